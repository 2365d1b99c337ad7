/** Calls Docker through its command line. */
import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

export const ROOT = join(import.meta.dirname, '../../..');
export const COMPOSE_FOLDER = join(ROOT, 'deploy/compose');
export const SERVICES = ['identity', 'patient', 'doctor', 'appointment', 'notification', 'gateway'] as const;
export type Service = (typeof SERVICES)[number];

const DEADLINE_MILLIS = 5 * 60_000;
/** Enough for the log of a build, or of every container. */
const MOST_OUTPUT = 64 * 1024 * 1024;

const run = promisify(execFile);

export interface CommandOptions {
  environment?: Readonly<Record<string, string>>;
  folder?: string;
  deadlineMillis?: number;
}

function runDocker(arguments_: readonly string[], options: CommandOptions) {
  const { environment, folder = ROOT, deadlineMillis = DEADLINE_MILLIS } = options;
  return run('docker', arguments_, {
    cwd: folder,
    env: { ...process.env, DOCKER_BUILDKIT: '1', ...environment },
    timeout: deadlineMillis,
    maxBuffer: MOST_OUTPUT,
  });
}

/**
 * Returns the standard output of a command.
 * @throws with its error output when it fails or times out
 */
export async function docker(arguments_: readonly string[], options: CommandOptions = {}): Promise<string> {
  return (await runDocker(arguments_, options)).stdout.trim();
}

/** Returns the output on both streams. */
export async function dockerOutput(arguments_: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { stdout, stderr } = await runDocker(arguments_, options);
  return `${stderr}${stdout}`;
}

export const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

const works = (...arguments_: string[]): boolean =>
  spawnSync('docker', arguments_, { stdio: 'ignore', timeout: 20_000 }).status === 0;

const isRequired = (process.env.DAYBOOK_TEST_REQUIRE ?? '').split(',').some((name) => name.trim() === 'docker');

/**
 * Returns whether Docker is missing, for `describe.skipIf`, and prints what is skipped.
 * @throws when Docker is required and missing
 */
export function dockerIsMissing(what: string): boolean {
  if (works('info') && works('compose', 'version') && works('buildx', 'version')) return false;
  const advice = 'It needs a running Docker Engine with the compose and buildx plugins: see `npm run deploy:check`.';
  if (isRequired) throw new Error(`${what} cannot be tried here. ${advice}`);
  console.warn(`SKIPPED: ${what}. ${advice}`);
  return true;
}
