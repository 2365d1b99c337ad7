/** Makes the writes of a process fail as on a full disk. The operating system limits the size of its files. */
import { spawnSync } from 'node:child_process';

const run = (...args: string[]) => spawnSync('prlimit', args, { encoding: 'utf8' });

/** Whether this machine can do so: Linux, with `prlimit` of util-linux. */
export const canLimitFileSize: boolean = run('--pid', String(process.pid), '--fsize').status === 0;

/** Sets only the soft limit, which any user may raise again. */
export function limitFileSize(pid: number, bytes: number | 'unlimited'): void {
  const { status, stderr } = run('--pid', String(pid), `--fsize=${bytes}:`);
  if (status !== 0) throw new Error(`prlimit did not work: ${stderr}`);
}
