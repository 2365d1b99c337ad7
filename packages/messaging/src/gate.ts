import { unlessAborted } from './abort.ts';

/** Who needs something that is not there now waits for it here. */
export class Gate<Value> {
  #state: 'open' | 'shut' | 'gone' = 'shut';
  #passage = Promise.withResolvers<Value>();

  constructor() {
    this.#passage.promise.catch(() => undefined);
  }

  /** @throws what the signal or `endWith` says */
  pass(signal?: AbortSignal): Promise<Value> {
    return unlessAborted(this.#passage.promise, signal);
  }

  open(value: Value): void {
    if (this.#state === 'gone') return;
    this.shut();
    this.#state = 'open';
    this.#passage.resolve(value);
  }

  shut(): void {
    if (this.#state !== 'open') return;
    this.#state = 'shut';
    this.#passage = Promise.withResolvers();
    this.#passage.promise.catch(() => undefined);
  }

  /** For good. */
  endWith(error: Error): void {
    this.shut();
    this.#state = 'gone';
    this.#passage.reject(error);
  }
}
