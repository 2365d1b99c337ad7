/** Starts Daybook as a separate process, as a user does. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalCaller, openLocalTokens } from '@daybook/identity-service/local-tokens';
import { localEnvironment } from '@daybook/launcher/local-environment';
import { type Ended, Program } from './child-process.ts';

const ROOT = join(import.meta.dirname, '../../..');
export const READY = /is ready at (http:\/\/\S+) \(([\d.]+) s\)/;
const START_DEADLINE_MILLIS = 30_000;

export interface DaybookOptions {
  /** The data folder. */
  data: string;
  /** The service to start alone; all services by default. */
  service?: string;
  /** The file to run instead of the launcher: the `main.ts` of a service. */
  program?: string;
  /** For many processes that start together, on a busy machine. */
  readyWithinMillis?: number;
  /** Further variables. Variables of this process that Daybook reads are not passed on. */
  environment?: Record<string, string>;
  /** Node flags that override those of `npm start`. */
  nodeFlags?: readonly string[];
}

export interface DaybookProcess {
  readonly url: string;
  readonly pid: number;
  /** As in the ready line. */
  readonly secondsToReady: number;
  /** Returns an access token of its system, by default an administrator's. */
  tokenFor(caller?: LocalCaller): Promise<string>;
  /** Returns the output so far, both streams. */
  output(): string;
  /** Sends the signal and waits for the end. */
  end(signal?: NodeJS.Signals): Promise<Ended>;
}

const READ_BY_DAYBOOK = /^(DAYBOOK_|OIDC_|DATABASE_URL|AMQP_URL|EUREKA_URL|LOG_LEVEL|NODE_OPTIONS$|VITEST)/;

function environmentFor({ data, environment }: DaybookOptions): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !READ_BY_DAYBOOK.test(name));
  return {
    ...Object.fromEntries(inherited),
    DAYBOOK_DATA: data,
    DAYBOOK_PORT: '0',
    DAYBOOK_DEMO: 'off',
    LOG_LEVEL: 'warn',
    ...environment,
  };
}

/** The command of `npm start`, without npm. */
const manifest: { scripts: { start: string } } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const [, , ...startArguments] = manifest.scripts.start.split(' ');
const startFlags = startArguments.slice(0, -1);
const startFile = startArguments.slice(-1);

function argumentsFor({ program, service, nodeFlags = [] }: DaybookOptions): string[] {
  if (program !== undefined) return [...nodeFlags, program];
  return [...startFlags, ...nodeFlags, ...startFile, ...(service === undefined ? [] : [service])];
}

const run = (options: DaybookOptions): Program =>
  new Program('Daybook', {
    command: process.execPath,
    arguments: argumentsFor(options),
    environment: environmentFor(options),
    folder: ROOT,
  });

/** Starts a script of npm as a supervisor does, which knows the process of npm and the group that npm leads. */
export function startThroughNpm(options: DaybookOptions, script: 'start' | 'dev' = 'start'): Program {
  return new Program('Daybook', {
    command: 'npm',
    arguments: ['run', script, ...(options.service === undefined ? [] : ['--', options.service])],
    environment: environmentFor(options),
    folder: ROOT,
    leadsGroup: true,
  });
}

/** A starting Daybook, which may wait for something that the test has not started yet. */
export interface StartingDaybook {
  /** Resolves with its ready line. */
  readonly ready: Promise<DaybookProcess>;
  output(): string;
  end(signal?: NodeJS.Signals): Promise<Ended>;
}

/** Tests may run for longer than the five minutes of `npm run token`. */
const TOKEN_SECONDS = 2 * 60 * 60;

/** Signs a token with the keys of a system's data folder and database. */
async function signToken(options: DaybookOptions, caller: LocalCaller): Promise<string> {
  await using tokens = await openLocalTokens(await localEnvironment(environmentFor(options)));
  return await tokens.sign(caller, TOKEN_SECONDS);
}

/** Returns a function that signs one token for each caller, because a signature opens the database. */
function createTokens(options: DaybookOptions): DaybookProcess['tokenFor'] {
  const signed = new Map<string, Promise<string>>();
  return (caller = { role: 'administrator' }) => {
    const key = JSON.stringify(caller);
    const known = signed.get(key);
    if (known) return known;
    const token = signToken(options, caller);
    signed.set(key, token);
    token.catch(() => signed.delete(key));
    return token;
  };
}

/** Starts Daybook and waits for its ready line. */
export const startDaybook = (options: DaybookOptions): Promise<DaybookProcess> => beginDaybook(options).ready;

/** Starts Daybook without waiting for its ready line. */
export function beginDaybook(options: DaybookOptions): StartingDaybook {
  const program = run(options);
  const output = () => program.output();
  const end = (signal: NodeJS.Signals = 'SIGINT') => program.end(signal);
  async function untilReady(): Promise<DaybookProcess> {
    const [, url = '', seconds] = await program.printed(READY, options.readyWithinMillis ?? START_DEADLINE_MILLIS);
    return {
      ...{ url, pid: program.pid, secondsToReady: Number(seconds) },
      ...{ tokenFor: createTokens(options), output, end },
    };
  }
  const ready = untilReady();
  // Callers that wait for `ready` get the error.
  ready.catch(() => undefined);
  return { ready, output, end };
}

/** Runs Daybook where it cannot start. Returns how it ended and what it printed. */
export async function failToStart(options: DaybookOptions): Promise<Ended & { lines: string[] }> {
  const program = run(options);
  try {
    const end = await program.ended(START_DEADLINE_MILLIS);
    return { ...end, lines: program.output().trim().split('\n') };
  } finally {
    await program.end('SIGKILL');
  }
}

/** Creates an empty folder that is removed after the test. */
export async function temporaryFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'daybook-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }) };
}

/** Returns whether a process is running, and is not a zombie. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && ['ESRCH', 'ENOENT'].includes(String(error.code))) return false;
    throw error;
  }
}
