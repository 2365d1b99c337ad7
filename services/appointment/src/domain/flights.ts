/**
 * Lets those who ask for the same thing at the same time share one answer. It is never older than the question: who asks
 * while an answer is under way waits for the next one, together with all who ask until that one begins.
 */
export type Flights<Result> = (key: string, fly: () => Promise<Result>) => Promise<Result>;

export function createFlights<Result>(): Flights<Result> {
  const running = new Map<string, Promise<Result>>();
  const waiting = new Map<string, Promise<Result>>();

  function start(key: string, fly: () => Promise<Result>): Promise<Result> {
    const flight = fly().finally(() => {
      if (running.get(key) === flight) running.delete(key);
    });
    running.set(key, flight);
    return flight;
  }

  async function startAfter(current: Promise<Result>, key: string, fly: () => Promise<Result>): Promise<Result> {
    await Promise.allSettled([current]);
    waiting.delete(key);
    return start(key, fly);
  }

  return (key, fly) => {
    const current = running.get(key);
    if (!current) return start(key, fly);
    const next = waiting.get(key) ?? startAfter(current, key, fly);
    waiting.set(key, next);
    return next;
  };
}
