/**
 * Lets callers that load the same key simultaneously share one result. A result is never older than the call: a caller
 * that arrives during a load waits for the next load. All callers that arrive before that load begins share it.
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
