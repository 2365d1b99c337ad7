import { abortable } from './abortable.ts';

/** Who needs something that is not there now waits for it here. */
export class Latch<Value> {
  #state: 'open' | 'closed' | 'failed' = 'closed';
  #opened = Promise.withResolvers<Value>();

  constructor() {
    this.#opened.promise.catch(() => undefined);
  }

  /** @throws what the signal or `fail` says */
  wait(signal?: AbortSignal): Promise<Value> {
    return abortable(this.#opened.promise, signal);
  }

  open(value: Value): void {
    if (this.#state === 'failed') return;
    this.close();
    this.#state = 'open';
    this.#opened.resolve(value);
  }

  close(): void {
    if (this.#state !== 'open') return;
    this.#state = 'closed';
    this.#opened = Promise.withResolvers();
    this.#opened.promise.catch(() => undefined);
  }

  /** For good. */
  fail(error: Error): void {
    this.close();
    this.#state = 'failed';
    this.#opened.reject(error);
  }
}
