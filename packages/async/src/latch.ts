import { abortable } from './abortable.ts';

/** Lets callers wait for a value that is not available yet. */
export class Latch<Value> {
  #state: 'open' | 'closed' | 'failed' = 'closed';
  #opened = Promise.withResolvers<Value>();

  constructor() {
    this.#opened.promise.catch(() => undefined);
  }

  /** @throws the reason of the signal, or the error given to `fail` */
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

  /** Fails all waits, now and later. */
  fail(error: Error): void {
    this.close();
    this.#state = 'failed';
    this.#opened.reject(error);
  }
}
