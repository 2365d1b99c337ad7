/** Reads facts about processes from Linux: their children, CPU time and memory. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);

/** Returns a process and all its descendants. */
export const familyOf = (pid: number): number[] => [pid, ...childrenOf(pid).flatMap(familyOf)];

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** Returns the CPU time of a process so far: all threads, user and kernel. */
export function cpuSeconds(pid: number): number {
  const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
  const values = fields.split(' ').map(Number);
  return ((values[11] ?? 0) + (values[12] ?? 0)) / TICKS_PER_SECOND;
}

export interface Memory {
  /** Megabytes that are resident. Shared memory counts for each process. */
  readonly resident: number;
  /** Megabytes with shared memory divided among its processes. */
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
