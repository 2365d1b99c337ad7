import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { ManagedProcess } from './managed-process.ts';
import { createProcessTable, describeProcess } from './process-table.ts';
import { readLines } from './split-lines.ts';

type Shown = Pick<ManagedProcess, 'name' | 'state' | 'url'>;

const url = 'http://127.0.0.1:41234';
const patient: Shown = { name: 'patient#1', state: { status: 'ready', pid: 4711 }, url };
const gateway: Shown = { name: 'gateway#1', state: { status: 'starting', pid: 4712 }, url: undefined };

function screen(isTTY: boolean) {
  const parts: string[] = [];
  return { isTTY, columns: 60, write: (part: string) => parts.push(part), text: () => parts.join('') };
}

describe('a process is shown', () => {
  it('with its state, its port and its number', () => {
    expect(describeProcess(patient)).toBe(`ready     ${url}  process 4711`);
    expect(describeProcess(gateway)).toBe('starting                          process 4712');
  });

  it('with why it ended and when it is started again', () => {
    const state = { status: 'crashed', reason: 'SIGKILL', restartInMillis: 420, startExitCode: undefined } as const;
    expect(describeProcess({ state, url })).toBe('exited unexpectedly (SIGKILL), restarts in 0.4 s');
  });
});

describe('the process table', () => {
  it('formats the lines of processes elsewhere, too', () => {
    const out = screen(false);
    createProcessTable(
      out,
      () => [patient],
      (line) => `${line.toUpperCase()}\n`,
    ).line('patient#1', 'hello');
    expect(out.text()).toBe('patient#1  HELLO\n');
  });

  it('is a line for each change where it is not on a terminal, each with its process', () => {
    const out = screen(false);
    const processTable = createProcessTable(out, () => [patient, gateway], String);
    processTable.update(patient);
    processTable.line('gateway#1', '{"msg":"hello"}');
    processTable.summary('Daybook is ready');
    expect(out.text()).toBe(
      `patient#1  ready     ${url}  process 4711\ngateway#1  {"msg":"hello"}\nDaybook is ready\n`,
    );
  });

  it('is a table at the foot of a terminal, redrawn below the log', () => {
    const out = screen(true);
    const processTable = createProcessTable(
      out,
      () => [patient, gateway],
      (line) => line.toUpperCase(),
    );
    processTable.update(patient);
    processTable.summary('Daybook is ready');
    processTable.line('gateway#1', 'hello');
    const [, , last = ''] = out
      .text()
      .split('\u001B[J')
      .map((part) => part.split('\u001B')[0]);
    expect(last.split('\n')).toEqual([
      'gateway#1  HELLO',
      '',
      `patient#1  ready     ${url}  process 4711`.slice(0, 59),
      'gateway#1  starting                          process 4712',
      '',
      'Daybook is ready',
      '',
    ]);
    // Moves up by the number of lines to redraw.
    expect(out.text()).toContain('\u001B[5A\r\u001B[J');
  });
});

describe('the lines of a process', () => {
  const linesOf = async (chunks: readonly (string | Buffer)[]) => {
    const stream = new PassThrough();
    const lines: string[] = [];
    readLines(stream, (line) => lines.push(line));
    for (const chunk of chunks) stream.write(chunk);
    stream.end();
    await new Promise((resolve) => stream.once('close', resolve));
    return lines;
  };

  it('are whole, however they come', async () => {
    const name = Buffer.from('Müller');
    expect(await linesOf(['one\ntw', 'o\r\n', name.subarray(0, 2), name.subarray(2)])).toEqual([
      'one',
      'two',
      'Müller',
    ]);
  });

  it('are cut where they have no end', async () => {
    const lines = await linesOf(['x'.repeat(150_000)]);
    expect(lines.map(({ length }) => length)).toEqual([65_536, 65_536, 18_928]);
  });
});
