/** One process of one service: started, watched, started again when it ends by itself. */
import { type ChildProcess, spawn } from 'node:child_process';
import { type EndRequest, EXIT, isReport, type Report } from '@daybook/service';
import { readLines } from './lines.ts';
import { createRestarts } from './restarts.ts';

/** Longer than a service takes to close by itself. */
const END_DEADLINE_MILLIS = 25_000;

export type MemberState =
  | { readonly is: 'starting' | 'waiting' | 'ready' | 'ending'; readonly pid: number | undefined }
  | { readonly is: 'ended' }
  | DeadState;

export interface DeadState {
  readonly is: 'dead';
  readonly because: string;
  readonly againInMillis: number;
  /** As sysexits(3), of one that never listened: it could not start. */
  readonly failure: number | undefined;
}

export interface MemberOptions {
  /** `appointment#1` */
  readonly name: string;
  /** The `main.ts` to run. */
  readonly program: string;
  /** A port, or 0 for a free one; kept then, so that a process that comes back is known where it was. */
  readonly port: number;
  environmentAt(port: number): NodeJS.ProcessEnv;
  /** Called when something about it changes. */
  onChange(member: Member): void;
  /** Called with each line that it prints. */
  onLine(member: Member, line: string): void;
}

export class Member {
  readonly name: string;
  readonly #options: MemberOptions;
  readonly #restarts = createRestarts();
  #state: MemberState = { is: 'ended' };
  #url: string | undefined;
  #port: number;
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #again: NodeJS.Timeout | undefined;
  #isClosing = false;
  #lastComplaint = '';
  #onFirst = Promise.withResolvers<Report>();

  constructor(options: MemberOptions) {
    this.name = options.name;
    this.#options = options;
    this.#port = options.port;
  }

  get state(): MemberState {
    return this.#state;
  }

  /** Where it listens, or did. */
  get url(): string | undefined {
    return this.#url;
  }

  /** What it printed last on standard error: why it could not start, in one line. */
  get lastComplaint(): string {
    return this.#lastComplaint;
  }

  /** Resolves when it has listened for the first time. */
  get listening(): Promise<Report> {
    return this.#onFirst.promise;
  }

  start(): void {
    const { program, environmentAt } = this.#options;
    const child = spawn(process.execPath, [...process.execArgv, program], {
      env: environmentAt(this.#port),
      // The fourth tells of this process's end, however it comes: nobody is left behind.
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // Ctrl-C reaches the whole group of a terminal; who ends when is decided here.
      detached: process.platform !== 'win32',
    });
    this.#child = child;
    this.#become({ is: 'starting', pid: child.pid });
    child.on('message', (message: unknown) => {
      if (isReport(message)) this.#hear(message);
    });
    const ended = Promise.withResolvers<void>();
    this.#ended = ended.promise;
    child.once('error', (error) => this.#over(`could not be started (${error.name})`, undefined, ended.resolve));
    child.once('close', (code, signal) => this.#over(signal ?? `exit code ${code}`, code, ended.resolve));
    readLines(child.stdout, (line) => this.#options.onLine(this, line));
    readLines(child.stderr, (line) => {
      this.#lastComplaint = line;
      this.#options.onLine(this, line);
    });
  }

  /** Ends it for good. Resolves when it is gone. */
  async close(): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#again);
    const child = this.#child;
    if (!child) return this.#become({ is: 'ended' });
    this.#become({ is: 'ending', pid: child.pid });
    const request: EndRequest = { end: { callersAreGone: true } };
    // It may be ending already.
    if (child.connected) child.send(request, () => undefined);
    const timer = setTimeout(() => child.kill('SIGKILL'), END_DEADLINE_MILLIS);
    await this.#ended;
    clearTimeout(timer);
  }

  #hear(report: Report): void {
    this.#url = report.url;
    this.#port = Number(new URL(report.url).port);
    this.#onFirst.resolve(report);
    if (this.#isClosing) return;
    if (report.state === 'ready') this.#restarts.ready(performance.now());
    this.#become({ is: report.state === 'ready' ? 'ready' : 'waiting', pid: this.#child?.pid });
  }

  #over(because: string, code: number | null | undefined, resolve: () => void): void {
    if (!this.#child) return;
    const neverListened = this.#state.is === 'starting';
    this.#child = undefined;
    resolve();
    if (this.#isClosing) this.#become({ is: 'ended' });
    else this.#startAgain(because, neverListened ? (code ?? undefined) : undefined);
  }

  #startAgain(because: string, failure: number | undefined): void {
    // Somebody else may have its port by now.
    if (failure === EXIT.unavailable) this.#port = this.#options.port;
    const againInMillis = this.#restarts.ended(performance.now());
    this.#again = setTimeout(() => this.start(), againInMillis);
    this.#become({ is: 'dead', because, againInMillis, failure });
  }

  #become(state: MemberState): void {
    this.#state = state;
    this.#options.onChange(this);
  }
}
