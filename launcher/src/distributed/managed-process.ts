/** Starts one process of one service, watches it, and restarts it after an unexpected exit. */
import { type ChildProcess, spawn } from 'node:child_process';
import { EXIT, isReport, type Report, type ShutdownRequest, SUPERVISED_ENVIRONMENT } from '@daybook/service';
import { createRestartBackoff } from './restart-backoff.ts';
import { readLines } from './split-lines.ts';

/** Longer than a service takes to close. */
const STOP_TIMEOUT_MILLIS = 25_000;

export type ProcessState =
  | { readonly status: 'starting' | 'waiting' | 'ready' | 'ending'; readonly pid: number | undefined }
  | { readonly status: 'ended' }
  | CrashedState;

export interface CrashedState {
  readonly status: 'crashed';
  readonly reason: string;
  readonly restartInMillis: number;
  /** The sysexits(3) code of a process that ended before it listened. */
  readonly startExitCode: number | undefined;
}

export interface ManagedProcessOptions {
  /** `appointment#1` */
  readonly name: string;
  /** The `main.ts` to run. */
  readonly program: string;
  /** A port, or 0 for a free one. A restart uses the same port, so that clients find the process again. */
  readonly port: number;
  environmentAt(port: number): NodeJS.ProcessEnv;
  /** Called when a property changes. */
  onChange(managed: ManagedProcess): void;
  /** Called with each line that the process prints. */
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

  /** The URL where the process listens, or listened. */
  get url(): string | undefined {
    return this.#url;
  }

  /** The last line on standard error, which gives the reason of a failed start. */
  get lastErrorLine(): string {
    return this.#lastErrorLine;
  }

  /** Resolves when the process listens for the first time. */
  get listening(): Promise<Report> {
    return this.#firstReport.promise;
  }

  start(): void {
    const { program, environmentAt } = this.#options;
    const child = spawn(process.execPath, [...process.execArgv, program], {
      env: { ...environmentAt(this.#port), ...SUPERVISED_ENVIRONMENT },
      // The fourth channel closes when this process ends, so the child ends too.
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // Ctrl-C signals a terminal's whole group. Here the supervisor decides the order of shutdown.
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

  /** Stops the process without a restart. Resolves when it has exited. */
  async close(): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#restartTimer);
    const child = this.#child;
    if (!child) return this.#setState({ status: 'ended' });
    this.#setState({ status: 'ending', pid: child.pid });
    const request: ShutdownRequest = { end: { callersAreGone: true } };
    // The process may be ending already.
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
    // Another program may use the port by now.
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
