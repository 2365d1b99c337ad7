/**
 * Lets those who ask for the same thing at the same time share one answer. It is never older than the question: who asks
 * while an answer is under way waits for the next one, together with all who ask until that one begins.
 */
export type Coalesce<Result> = (key: string, load: () => Promise<Result>) => Promise<Result>;

export function createCoalescer<Result>(): Coalesce<Result> {
  const running = new Map<string, Promise<Result>>();
  const queued = new Map<string, Promise<Result>>();

  function start(key: string, load: () => Promise<Result>): Promise<Result> {
    const call = load().finally(() => {
      if (running.get(key) === call) running.delete(key);
    });
    running.set(key, call);
    return call;
  }

  async function startAfter(current: Promise<Result>, key: string, load: () => Promise<Result>): Promise<Result> {
    await Promise.allSettled([current]);
    queued.delete(key);
    return start(key, load);
  }

  return (key, load) => {
    const current = running.get(key);
    if (!current) return start(key, load);
    const next = queued.get(key) ?? startAfter(current, key, load);
    queued.set(key, next);
    return next;
  };
}
