/** Runs a program as a separate process. Its output is kept, and each wait has a timeout. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { withDeadline } from '@daybook/async';

/** More than any start prints; earlier output is dropped. */
const MAX_OUTPUT = 200_000;
const END_DEADLINE_MILLIS = 30_000;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ProgramOptions {
  command: string;
  arguments: readonly string[];
  environment: NodeJS.ProcessEnv;
  folder: string;
  /** Makes the process the leader of its own process group, as a shell does: see `endGroup`. */
  leadsGroup?: boolean;
}

export class Program {
  /** The name in messages. */
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<Ended>;
  #output = '';

  constructor(name: string, options: ProgramOptions) {
    const { command, arguments: given, environment, folder, leadsGroup = false } = options;
    this.name = name;
    this.#child = spawn(command, given, {
      cwd: folder,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: leadsGroup,
    });
    const keep = (chunk: Buffer) => {
      this.#output = (this.#output + chunk.toString('utf8')).slice(-MAX_OUTPUT);
    };
    this.#child.stdout?.on('data', keep);
    this.#child.stderr?.on('data', keep);
    this.#ended = once(this.#child, 'close').then(([code, signal]): Ended => ({ code, signal }));
    // Callers that wait for the end get the error; waiting is optional.
    this.#ended.catch(() => undefined);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Returns the output so far, both streams. */
  output(): string {
    return this.#output;
  }

  /**
   * Waits for output that matches.
   * @throws when the process ends first, or on timeout
   */
  async printed(pattern: RegExp, millis: number): Promise<RegExpExecArray> {
    const found = Promise.withResolvers<RegExpExecArray>();
    const check = () => {
      const match = pattern.exec(this.#output);
      if (match) found.resolve(match);
    };
    this.#child.stdout?.on('data', check);
    check();
    const ended = this.#ended.then(({ code }) => {
      throw new Error(`${this.name} ended with ${code} before it was ready:\n${this.#output}`);
    });
    ended.catch(() => undefined);
    try {
      return await withDeadline(
        Promise.race([found.promise, ended]),
        millis,
        () => new Error(`${this.name} is not ready:\n${this.#output}`),
      );
    } finally {
      this.#child.stdout?.off('data', check);
    }
  }

  /** Waits until the process has ended without a signal from here. */
  ended(millis: number): Promise<Ended> {
    return withDeadline(this.#ended, millis, () => new Error(`${this.name} does not end:\n${this.#output}`));
  }

  /** Sends the signal to the whole group, as a terminal does for Ctrl-C, and waits for the end. */
  endGroup(signal: NodeJS.Signals = 'SIGINT', millis = END_DEADLINE_MILLIS): Promise<Ended> {
    process.kill(-this.pid, signal);
    return this.ended(millis);
  }

  /** Sends the signal and waits for the end. */
  end(signal: NodeJS.Signals = 'SIGTERM', millis = END_DEADLINE_MILLIS): Promise<Ended> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill(signal);
    return this.ended(millis);
  }
}
