/** Shows the progress of the import: a bar on a terminal, an occasional line elsewhere. */

/** The used part of `process.stderr`. */
export interface TextOutput {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

const BAR_WIDTH = 30;
const TERMINAL_INTERVAL_MILLIS = 100;
const LINE_INTERVAL_MILLIS = 5000;
const CLEAR_LINE = '\r\x1b[2K';

export class Progress {
  readonly #output: TextOutput;
  readonly #clock: () => number;
  #shownAt: number;

  constructor(output: TextOutput, clock: () => number = () => performance.now()) {
    this.#output = output;
    this.#clock = clock;
    this.#shownAt = clock();
  }

  /** Shows that `share` of `what` is done, from 0 to 1. */
  update(what: string, rows: number, share: number): void {
    const now = this.#clock();
    if (now - this.#shownAt < (this.#output.isTTY ? TERMINAL_INTERVAL_MILLIS : LINE_INTERVAL_MILLIS)) return;
    this.#shownAt = now;
    const percent = `${Math.floor(share * 100)} %`.padStart(5);
    if (this.#output.isTTY) {
      const bar = '#'.repeat(Math.floor(share * BAR_WIDTH)).padEnd(BAR_WIDTH, '-');
      this.#output.write(`${CLEAR_LINE}${what} [${bar}]${percent}, ${rows} rows`);
    } else {
      this.#output.write(`${what}:${percent}, ${rows} rows\n`);
    }
  }

  /** Prints a line above the bar. */
  print(line: string): void {
    this.#output.write(`${this.#output.isTTY ? CLEAR_LINE : ''}${line}\n`);
  }

  /** Removes the bar. */
  clear(): void {
    if (this.#output.isTTY) this.#output.write(CLEAR_LINE);
  }
}
