import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DatabaseUnavailable } from '@daybook/database';
import { describe, expect, it, vi } from 'vitest';
import { bareApp, readableLog } from '../testing.ts';
import type { Logger } from './logger.ts';

const errorOf = (fail: () => unknown): unknown => {
  try {
    fail();
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
};

const database = new DatabaseSync(':memory:');
/** SQLite quotes the statement. */
const sqlError = errorOf(() => database.exec("select 'a' from Silva"));
/** V8 quotes the text. */
const syntaxError = errorOf(() => JSON.parse('Silva'));
/** As mysql2 creates them. */
const mysqlError = Object.assign(new Error("Duplicate entry 'Silva'"), { sqlState: '23000', code: 'ER_DUP_ENTRY' });

describe.each([
  ['as JSON', false],
  ['for a person', true],
])('a log %s', (_how, pretty) => {
  async function linesOf(write: (logger: Logger) => void): Promise<string> {
    const { logger, lines } = readableLog(pretty);
    write(logger);
    logger.info('the end');
    await vi.waitFor(() => expect(lines.join('')).toContain('the end'));
    return lines.join('');
  }

  it.each([
    ['of SQLite', sqlError, 'Error'],
    ['of MySQL', mysqlError, 'ER_DUP_ENTRY'],
    ['of JSON', syntaxError, 'SyntaxError'],
    ['with such a cause', new DatabaseUnavailable(sqlError), 'The database is not available'],
    ['with such a cause far below', new TypeError('outer', { cause: new DatabaseUnavailable(syntaxError) }), 'outer'],
  ])('has an error %s, but not what it quotes, however it is logged', async (_whose, error, expected) => {
    expect(String(error instanceof Error && [error, error.cause, error.stack].join())).toMatch(/Silva|outer/);
    const ways = [
      await linesOf((logger) => logger.error({ err: error }, 'unexpected error')),
      await linesOf((logger) => logger.error({ err: error })),
      await linesOf((logger) => logger.error(error)),
      await linesOf((logger) => logger.error(error, 'unexpected error')),
      await linesOf((logger) => logger.child({ service: 'x' }).warn({ err: error })),
    ];
    for (const line of ways) {
      expect(line).not.toContain('Silva');
      expect(line).toContain(expected);
    }
  });

  it('has the text and the place of an error of our own', async () => {
    const line = await linesOf((logger) => logger.error({ err: new TypeError('wrong turn') }, 'unexpected error'));
    for (const expected of ['TypeError', 'wrong turn', 'logger.test.ts', 'unexpected error'])
      expect(line).toContain(expected);
  });

  it('has the message that comes with an error, and leaves out what is below its level', async () => {
    const logged = await linesOf((logger) => {
      logger.error({ err: new TypeError('wrong turn'), part: 'bus' }, 'closed %s', 'late');
      logger.trace('hidden');
    });
    expect(logged).toContain('closed late');
    expect(logged).toContain('bus');
    expect(logged).not.toContain('hidden');
  });
});

it('does not have what an error quotes when an application logs it', async () => {
  const { app, lines } = await bareApp();
  app.get('/logged', async (request) => {
    request.log.error({ err: sqlError }, 'logged by a handler');
    request.log.error(sqlError);
    return 'ok';
  });
  await app.inject('/logged');
  expect(lines).toHaveLength(2);
  expect(lines.join()).not.toContain('Silva');
});

it('goes to standard output', () => {
  const script = `
    import { createLogger } from ${JSON.stringify(join(import.meta.dirname, 'logger.ts'))};
    createLogger({ level: 'info', pretty: false }).info('a line');
    createLogger({ level: 'info', pretty: true }).info('a readable line');`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  const [first = '', second = ''] = stdout.split('\n');
  expect(JSON.parse(first)).toMatchObject({ level: 30, msg: 'a line' });
  expect(second).toContain('a readable line');
});
