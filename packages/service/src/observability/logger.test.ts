import { DatabaseSync } from 'node:sqlite';
import { stripVTControlCharacters } from 'node:util';
import { DatabaseUnavailable } from '@daybook/database';
import { describe, expect, it, vi } from 'vitest';
import { bareApp, readableLog } from '../testing.ts';
import type { Logger } from './logger.ts';
import { prettyLine } from './pretty-log.ts';

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
  ['as JSON', 'json'],
  ['for a person', 'pretty'],
] as const)('a log %s', (_how, format) => {
  async function linesOf(write: (logger: Logger) => void): Promise<string> {
    const { logger, lines } = readableLog(format);
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

describe('a log for people', () => {
  function lineOf(write: (logger: Logger) => void): string {
    const { logger, lines } = readableLog('pretty');
    write(logger);
    expect(lines).toHaveLength(1);
    return stripVTControlCharacters(lines.join(''));
  }

  it('has time, level, service, message and fields in one line', () => {
    const line = lineOf((logger) =>
      logger
        .child({ service: 'doctor-service', traceId: 'a1' })
        .warn({ instance: 'b', failures: 3 }, 'instance ejected'),
    );
    expect(line).toMatch(
      /^\[\d\d:\d\d:\d\d\] WARN: doctor-service: instance ejected \{"instance":"b","failures":3\}\n$/,
    );
  });

  it('has neither a service nor fields where there are none', () => {
    expect(lineOf((logger) => logger.info('demo clinic seeded'))).toMatch(/\] INFO: demo clinic seeded\s*$/);
  });

  it('has the stack of an error below its line', () => {
    const [first = '', ...below] = lineOf((logger) =>
      logger.error({ err: new TypeError('wrong turn'), queue: 'q' }, 'unexpected error'),
    ).split('\n');
    expect(first).toContain('unexpected error {"queue":"q"}');
    expect(first).not.toContain('wrong turn');
    expect(below.join('\n')).toContain('wrong turn');
    expect(below).toContainEqual(expect.stringMatching(/^ +at .*logger\.test\.ts/));
  });

  it('leaves a line alone that is not JSON', () => {
    expect(prettyLine('Port 8080 is taken.').trimEnd()).toBe('Port 8080 is taken.');
  });
});
