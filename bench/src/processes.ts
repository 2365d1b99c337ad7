/** What Linux tells of processes: who started whom, what they used of the processors, how much memory they have. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);

/** A process and all that it started, and so on. */
export const familyOf = (pid: number): number[] => [pid, ...childrenOf(pid).flatMap(familyOf)];

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** What a process has used of the processors so far, all its threads, in itself and in the kernel. */
export function cpuSeconds(pid: number): number {
  const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
  const values = fields.split(' ').map(Number);
  return ((values[11] ?? 0) + (values[12] ?? 0)) / TICKS_PER_SECOND;
}

export interface Memory {
  /** In megabytes: what is resident; what several processes share counts for each of them. */
  readonly resident: number;
  /** The same, with what is shared divided among those who share it. */
  readonly proportional: number;
}

function memoryOf(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const megabytes = (name: string) => (Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(text)?.[1]) * 1024) / 1e6;
  return { resident: megabytes('Rss'), proportional: megabytes('Pss') };
}

export function memoryOfAll(pids: readonly number[]): Memory {
  const each = pids.map(memoryOf);
  const sum = (of: (memory: Memory) => number) => each.reduce((total, memory) => total + of(memory), 0);
  return { resident: sum(({ resident }) => resident), proportional: sum(({ proportional }) => proportional) };
}
