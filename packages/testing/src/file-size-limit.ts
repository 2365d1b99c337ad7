/** Makes the writes of a process fail as they do on a full disk: the operating system lets no file grow beyond a size. */
import { spawnSync } from 'node:child_process';

const run = (...args: string[]) => spawnSync('prlimit', args, { encoding: 'utf8' });

/** Whether this machine can do so: with `prlimit` of util-linux, on Linux. */
export const canLimitFileSize: boolean = run('--pid', String(process.pid), '--fsize').status === 0;

/** The soft limit only, which anybody may raise again. */
export function limitFileSize(pid: number, bytes: number | 'unlimited'): void {
  const { status, stderr } = run('--pid', String(pid), `--fsize=${bytes}:`);
  if (status !== 0) throw new Error(`prlimit did not work: ${stderr}`);
}
