/**
 * Runs tasks that share a key in sequence, in the order of the calls, and others concurrently. A task waits only for
 * earlier ones, so none waits forever. The caller must limit the number of waiting tasks.
 */
export class KeyedQueue {
  /** The last task of each key. Only waiting and running tasks are kept. */
  readonly #lastOf = new Map<string, Promise<unknown>>();

  /** Runs `work` after the earlier tasks of each of its keys, whether those succeeded or failed. */
  async run<Result>(keys: readonly string[], work: () => Promise<Result>): Promise<Result> {
    const earlier = keys.map((key) => this.#lastOf.get(key));
    const task = Promise.allSettled(earlier).then(work);
    for (const key of keys) this.#lastOf.set(key, task);
    try {
      return await task;
    } finally {
      for (const key of keys) if (this.#lastOf.get(key) === task) this.#lastOf.delete(key);
    }
  }

  /** Resolves when the present tasks have ended. Their own callers receive their failures. */
  async drain(): Promise<void> {
    await Promise.allSettled(this.#lastOf.values());
  }
}
