/** The log of a process on a terminal and in a pipe. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { processEnvironment } from '../config/config.ts';

const urlOf = (file: string) => JSON.stringify(`file://${join(import.meta.dirname, file)}`);

/** Logs whether the library for people is loaded, and ends by an unexpected error. */
const LOGGING = `
  import { createRequire } from 'node:module';
  import { readProcessConfig } from ${urlOf('../config/config.ts')};
  import { openProcessLog } from ${urlOf('run-process.ts')};
  const logger = await openProcessLog(readProcessConfig());
  const loaded = Object.keys(createRequire(import.meta.url).cache).some((path) => path.includes('pino-pretty'));
  logger.child({ service: 'doctor-service' }).info({ isLibraryLoaded: loaded }, 'a record');
  logger.flush(() => setImmediate(() => { throw new TypeError('wrong turn'); }));`;

const flags = (script: string) => ['--input-type=module', '--eval', script];
const environmentWith = (variables: Record<string, string>) => ({
  ...processEnvironment,
  TERM: 'xterm',
  LOG_LEVEL: 'info',
  DAYBOOK_LOG_FORMAT: '',
  ...variables,
});

const quote = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;
const isScriptMissing = process.platform !== 'linux' || spawnSync('script', ['--version']).status !== 0;
if (isScriptMissing) process.stderr.write('SKIPPED: the tests on a terminal. To run them: apt-get install bsdutils\n');

/** Runs the program in a pipe, or on a pseudo terminal. Returns what it printed, without colours. */
async function outputOf(where: 'pipe' | 'terminal', variables: Record<string, string> = {}) {
  const program = [process.execPath, ...flags(LOGGING)];
  const [command = '', ...args] =
    where === 'pipe'
      ? program
      : ['script', '--quiet', '--return', '--command', program.map(quote).join(' '), '/dev/null'];
  const child = spawn(command, args, { env: environmentWith(variables), stdio: ['ignore', 'pipe', 'pipe'] });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  return { code, lines: stripVTControlCharacters(output).replaceAll('\r', '').trim().split('\n') };
}

const isJson = (line: string) => line.startsWith('{"level":');

describe('the log of a process', () => {
  it('is JSON in a pipe, where the library for people is not loaded', async () => {
    const { code, lines } = await outputOf('pipe');
    expect(code).toBe(70);
    expect(lines).toHaveLength(2);
    // The last record is written immediately, and can overtake one that is still being written.
    const records = lines.map((line) => JSON.parse(line)).toSorted((one, other) => one.time - other.time);
    expect(records).toEqual([
      expect.objectContaining({ service: 'doctor-service', msg: 'a record', isLibraryLoaded: false }),
      expect.objectContaining({ msg: 'process ended by an unexpected error' }),
    ]);
  });

  it('is text for people in a pipe with DAYBOOK_LOG_FORMAT=pretty, to its last line', async () => {
    const { code, lines } = await outputOf('pipe', { DAYBOOK_LOG_FORMAT: 'pretty' });
    expect(code).toBe(70);
    expect(lines[0]).toMatch(/^\[\d\d:\d\d:\d\d\] INFO: doctor-service: a record \{"isLibraryLoaded":true\}$/);
    expect(lines[1]).toMatch(/FATAL: process ended by an unexpected error *$/);
    expect(lines.join('\n')).toContain('wrong turn');
  });

  describe.skipIf(isScriptMissing)('on a terminal', () => {
    it('is text for people, to its last line', async () => {
      const { code, lines } = await outputOf('terminal');
      expect(code).toBe(70);
      expect(lines[0]).toMatch(/^\[\d\d:\d\d:\d\d\] INFO: doctor-service: a record \{"isLibraryLoaded":true\}$/);
      expect(lines[1]).toMatch(/FATAL: process ended by an unexpected error *$/);
      expect(lines.join('\n')).toContain('wrong turn');
    });

    it('is JSON with DAYBOOK_LOG_FORMAT=json', async () => {
      const { lines } = await outputOf('terminal', { DAYBOOK_LOG_FORMAT: 'json' });
      expect(lines).toHaveLength(2);
      expect(lines.filter(isJson)).toEqual(lines);
    });
  });
});
