/** Daybook as a process of its own, as a user starts it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../../..');
const READY = /is ready at (http:\/\/\S+) \(([\d.]+) s\)/;
const START_DEADLINE_MILLIS = 30_000;
const END_DEADLINE_MILLIS = 30_000;
/** More than any start prints; what is above it is forgotten. */
const KEPT_OUTPUT = 200_000;

export interface DaybookOptions {
  /** The data folder. */
  data: string;
  /** The service to start alone; everything when left out. */
  service?: string;
  /** Further variables; those of this process that Daybook reads are not passed on. */
  environment?: Record<string, string>;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface DaybookProcess {
  readonly url: string;
  readonly pid: number;
  /** As the ready line says. */
  readonly secondsToReady: number;
  /** What it printed so far, both streams. */
  output(): string;
  /** Sends the signal and waits for the end. */
  end(signal?: NodeJS.Signals): Promise<Ended>;
}

const READ_BY_DAYBOOK = /^(DAYBOOK_|DATABASE_URL$|AMQP_URL$|EUREKA_URL$|LOG_LEVEL$|NODE_OPTIONS$|VITEST)/;

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

interface Spawned {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  output(): string;
}

/** What `npm start` runs, without npm. */
const manifest: { scripts: { start: string } } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const [, ...startArguments] = manifest.scripts.start.split(' ');

function spawnDaybook(options: DaybookOptions): Spawned {
  const args = [...startArguments, ...(options.service ? [options.service] : [])];
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: environmentFor(options),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString('utf8')).slice(-KEPT_OUTPUT);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  const ended = once(child, 'close').then(([code, signal]): Ended => ({ code, signal }));
  return { child, ended, output: () => output };
}

async function within<Result>(work: Promise<Result>, millis: number, what: () => string): Promise<Result> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(what())), millis);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Starts Daybook and waits for its ready line. */
export async function startDaybook(options: DaybookOptions): Promise<DaybookProcess> {
  const { child, ended, output } = spawnDaybook(options);
  const ready = Promise.withResolvers<RegExpExecArray>();
  const look = () => {
    const found = READY.exec(output());
    if (found) ready.resolve(found);
  };
  child.stdout?.on('data', look);
  const failed = ended.then(({ code }) => {
    throw new Error(`Daybook ended with ${code} before it was ready:\n${output()}`);
  });
  failed.catch(() => undefined);
  const waiting = Promise.race([ready.promise, failed]);
  const [, url = '', seconds] = await within(
    waiting,
    START_DEADLINE_MILLIS,
    () => `Daybook is not ready:\n${output()}`,
  );
  return {
    url,
    pid: child.pid ?? 0,
    secondsToReady: Number(seconds),
    output,
    async end(signal = 'SIGINT') {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      return within(ended, END_DEADLINE_MILLIS, () => `Daybook did not end on ${signal}:\n${output()}`);
    },
  };
}

/** Runs Daybook where it cannot start, and says how it ended and what it printed. */
export async function failToStart(options: DaybookOptions): Promise<Ended & { lines: string[] }> {
  const { child, ended, output } = spawnDaybook(options);
  try {
    const end = await within(ended, START_DEADLINE_MILLIS, () => `Daybook did not fail:\n${output()}`);
    return { ...end, lines: output().trim().split('\n') };
  } finally {
    child.kill('SIGKILL');
  }
}

/** An empty folder that goes away with the test. */
export async function temporaryFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'daybook-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }) };
}
