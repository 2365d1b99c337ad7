/** Prints the processes: a table at the foot of a terminal, or a line for each change elsewhere. */
import { stripVTControlCharacters } from 'node:util';
import type { ManagedProcess } from './managed-process.ts';

/** The properties in the table. */
type ProcessView = Pick<ManagedProcess, 'name' | 'state' | 'url'>;

/** The output, for example `process.stdout`. */
export interface TextOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface ProcessTable {
  /** Prints a line of a process or about it. */
  line(name: string, text: string): void;
  update(managed: ProcessView): void;
  /** Prints the final line, which stays below the table. */
  summary(line: string): void;
}

const seconds = (millis: number): string => `${(millis / 1000).toFixed(1)} s`;

/** `ready     http://127.0.0.1:41234  process 4711` */
export function describeProcess({ state, url = '' }: Pick<ManagedProcess, 'state' | 'url'>): string {
  if (state.status === 'ended') return 'ended';
  if (state.status === 'crashed')
    return `exited unexpectedly (${state.reason}), restarts in ${seconds(state.restartInMillis)}`;
  const where = state.status === 'starting' ? '' : url;
  return `${state.status.padEnd(8)}  ${where.padEnd(22)}  process ${state.pid ?? 'none'}`.trimEnd();
}

/** Creates a table of the processes in their order. `formatLine` formats each line that they print. */
export function createProcessTable(
  output: TextOutput,
  processes: () => readonly ProcessView[],
  formatLine: FormatLine,
): ProcessTable {
  const width = () => Math.max(0, ...processes().map(({ name }) => name.length));
  const addPrefix = (name: string, text: string) => `${name.padEnd(width())}  ${text}`;
  return output.isTTY
    ? createTerminalTable(output, processes, addPrefix, formatLine)
    : createLineOutput(output, addPrefix, formatLine);
}

type AddPrefix = (name: string, text: string) => string;
type FormatLine = (line: string) => string;

function createLineOutput(output: TextOutput, addPrefix: AddPrefix, formatLine: FormatLine): ProcessTable {
  return {
    line: (name, text) => output.write(`${addPrefix(name, formatLine(text).trimEnd())}\n`),
    update: (managed) => output.write(`${addPrefix(managed.name, describeProcess(managed))}\n`),
    summary: (line) => output.write(`${line}\n`),
  };
}

const moveUpAndClear = (lines: number): string => (lines === 0 ? '' : `\u001B[${lines}A\r\u001B[J`);

function createTerminalTable(
  output: TextOutput,
  processes: () => readonly ProcessView[],
  addPrefix: AddPrefix,
  formatLine: FormatLine,
): ProcessTable {
  let drawnLines = 0;
  let summaryLine = '';

  /** Cuts lines at the terminal's width, because a wrapped line would break the line count. */
  const truncate = (line: string) => stripVTControlCharacters(line).slice(0, (output.columns ?? 80) - 1);

  function table(): string {
    const rows = processes().map((managed) => truncate(addPrefix(managed.name, describeProcess(managed))));
    const lines = ['', ...rows, ...(summaryLine === '' ? [] : ['', truncate(summaryLine)])];
    drawnLines = lines.length;
    return lines.map((line) => `${line}\n`).join('');
  }

  const above = (text: string) => output.write(`${moveUpAndClear(drawnLines)}${text}${table()}`);
  return {
    line: (name, text) => above(`${addPrefix(name, formatLine(text).trimEnd())}\n`),
    update(managed) {
      // The table shows the present state, so a crash is also printed as a line.
      above(managed.state.status === 'crashed' ? `${addPrefix(managed.name, describeProcess(managed))}\n` : '');
    },
    summary(line) {
      summaryLine = line;
      above('');
    },
  };
}
