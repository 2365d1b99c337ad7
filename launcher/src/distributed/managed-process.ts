/** One process of one service: started, watched, started again when it ends by itself. */
import { type ChildProcess, spawn } from 'node:child_process';
import { EXIT, isReport, type Report, type ShutdownRequest } from '@daybook/service';
import { createRestartBackoff } from './restart-backoff.ts';
import { readLines } from './split-lines.ts';

/** Longer than a service takes to close by itself. */
const STOP_TIMEOUT_MILLIS = 25_000;

export type ProcessState =
  | { readonly status: 'starting' | 'waiting' | 'ready' | 'ending'; readonly pid: number | undefined }
  | { readonly status: 'ended' }
  | CrashedState;

export interface CrashedState {
  readonly status: 'crashed';
  readonly reason: string;
  readonly restartInMillis: number;
  /** As sysexits(3), of one that never listened: it could not start. */
  readonly startExitCode: number | undefined;
}

export interface ManagedProcessOptions {
  /** `appointment#1` */
  readonly name: string;
  /** The `main.ts` to run. */
  readonly program: string;
  /** A port, or 0 for a free one; kept then, so that a process that comes back is known where it was. */
  readonly port: number;
  environmentAt(port: number): NodeJS.ProcessEnv;
  /** Called when something about it changes. */
  onChange(managed: ManagedProcess): void;
  /** Called with each line that it prints. */
  onLine(managed: ManagedProcess, line: string): void;
}

export class ManagedProcess {
  readonly name: string;
  readonly #options: ManagedProcessOptions;
  readonly #backoff = createRestartBackoff();
  #state: ProcessState = { status: 'ended' };
  #url: string | undefined;
  #port: number;
  #child: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #restartTimer: NodeJS.Timeout | undefined;
  #isClosing = false;
  #lastErrorLine = '';
  #firstReport = Promise.withResolvers<Report>();

  constructor(options: ManagedProcessOptions) {
    this.name = options.name;
    this.#options = options;
    this.#port = options.port;
  }

  get state(): ProcessState {
    return this.#state;
  }

  /** Where it listens, or did. */
  get url(): string | undefined {
    return this.#url;
  }

  /** What it printed last on standard error: why it could not start, in one line. */
  get lastErrorLine(): string {
    return this.#lastErrorLine;
  }

  /** Resolves when it has listened for the first time. */
  get listening(): Promise<Report> {
    return this.#firstReport.promise;
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
    this.#setState({ status: 'starting', pid: child.pid });
    child.on('message', (message: unknown) => {
      if (isReport(message)) this.#onReport(message);
    });
    const ended = Promise.withResolvers<void>();
    this.#exited = ended.promise;
    child.once('error', (error) => this.#onExit(`could not be started (${error.name})`, undefined, ended.resolve));
    child.once('close', (code, signal) => this.#onExit(signal ?? `exit code ${code}`, code, ended.resolve));
    readLines(child.stdout, (line) => this.#options.onLine(this, line));
    readLines(child.stderr, (line) => {
      this.#lastErrorLine = line;
      this.#options.onLine(this, line);
    });
  }

  /** Ends it for good. Resolves when it is gone. */
  async close(): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#restartTimer);
    const child = this.#child;
    if (!child) return this.#setState({ status: 'ended' });
    this.#setState({ status: 'ending', pid: child.pid });
    const request: ShutdownRequest = { end: { callersAreGone: true } };
    // It may be ending already.
    if (child.connected) child.send(request, () => undefined);
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MILLIS);
    await this.#exited;
    clearTimeout(timer);
  }

  #onReport(report: Report): void {
    this.#url = report.url;
    this.#port = Number(new URL(report.url).port);
    this.#firstReport.resolve(report);
    if (this.#isClosing) return;
    if (report.state === 'ready') this.#backoff.ready(performance.now());
    this.#setState({ status: report.state === 'ready' ? 'ready' : 'waiting', pid: this.#child?.pid });
  }

  #onExit(reason: string, code: number | null | undefined, resolve: () => void): void {
    if (!this.#child) return;
    const neverListened = this.#state.status === 'starting';
    this.#child = undefined;
    resolve();
    if (this.#isClosing) this.#setState({ status: 'ended' });
    else this.#scheduleRestart(reason, neverListened ? (code ?? undefined) : undefined);
  }

  #scheduleRestart(reason: string, startExitCode: number | undefined): void {
    // Somebody else may have its port by now.
    if (startExitCode === EXIT.unavailable) this.#port = this.#options.port;
    const restartInMillis = this.#backoff.nextDelay(performance.now());
    this.#restartTimer = setTimeout(() => this.start(), restartInMillis);
    this.#setState({ status: 'crashed', reason, restartInMillis, startExitCode });
  }

  #setState(state: ProcessState): void {
    this.#state = state;
    this.#options.onChange(this);
  }
}
