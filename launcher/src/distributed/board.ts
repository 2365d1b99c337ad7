/** What a person sees of the processes: a table at the foot of a terminal, a line for each change elsewhere. */
import { stripVTControlCharacters } from 'node:util';
import type { Member } from './member.ts';

/** What is shown of a process. */
type Shown = Pick<Member, 'name' | 'state' | 'url'>;

/** What is written to; `process.stdout` is one. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface Board {
  /** A line of a process or about it. */
  line(name: string, text: string): void;
  changed(member: Shown): void;
  /** The last word; it stays below the table. */
  say(line: string): void;
}

const seconds = (millis: number): string => `${(millis / 1000).toFixed(1)} s`;

/** `ready     http://127.0.0.1:41234  process 4711` */
export function describeMember({ state, url = '' }: Pick<Member, 'state' | 'url'>): string {
  if (state.is === 'ended') return 'ended';
  if (state.is === 'dead')
    return `ended by itself (${state.because}), is started again in ${seconds(state.againInMillis)}`;
  const where = state.is === 'starting' ? '' : url;
  return `${state.is.padEnd(8)}  ${where.padEnd(22)}  process ${state.pid ?? 'none'}`.trimEnd();
}

/** The members in their order; `pretty` makes a line of a log one for people. */
export function createBoard(screen: Screen, members: () => readonly Shown[], pretty: (line: string) => string): Board {
  const width = () => Math.max(0, ...members().map(({ name }) => name.length));
  const prefixed = (name: string, text: string) => `${name.padEnd(width())}  ${text}`;
  return screen.isTTY ? onTerminal(screen, members, prefixed, pretty) : inLines(screen, prefixed);
}

type Prefixed = (name: string, text: string) => string;

function inLines(screen: Screen, prefixed: Prefixed): Board {
  return {
    line: (name, text) => screen.write(`${prefixed(name, text)}\n`),
    changed: (member) => screen.write(`${prefixed(member.name, describeMember(member))}\n`),
    say: (line) => screen.write(`${line}\n`),
  };
}

const UP_AND_CLEAR = (lines: number): string => (lines === 0 ? '' : `\u001B[${lines}A\r\u001B[J`);

function onTerminal(
  screen: Screen,
  members: () => readonly Shown[],
  prefixed: Prefixed,
  pretty: (line: string) => string,
): Board {
  let shown = 0;
  let lastWord = '';

  /** A line that the terminal would break into two would spoil the count of lines. */
  const cut = (line: string) => stripVTControlCharacters(line).slice(0, (screen.columns ?? 80) - 1);

  function table(): string {
    const rows = members().map((member) => cut(prefixed(member.name, describeMember(member))));
    const lines = ['', ...rows, ...(lastWord === '' ? [] : ['', cut(lastWord)])];
    shown = lines.length;
    return lines.map((line) => `${line}\n`).join('');
  }

  const above = (text: string) => screen.write(`${UP_AND_CLEAR(shown)}${text}${table()}`);
  return {
    line: (name, text) => above(`${prefixed(name, pretty(text).trimEnd())}\n`),
    changed(member) {
      // The table shows what is; what happened is said as well.
      above(member.state.is === 'dead' ? `${prefixed(member.name, describeMember(member))}\n` : '');
    },
    say(line) {
      lastWord = line;
      above('');
    },
  };
}
