/** What stands before gateways: asks one of them, and another where that one cannot be reached. */

const TIMEOUT_MILLIS = 30_000;

export interface Door {
  /** To the gateways that are there now, in place of those before. */
  lead(urls: readonly string[]): void;
  /** For what can be asked again: a GET, or a POST with a key. */
  ask(path: string, init?: RequestInit): Promise<Response>;
}

export function createDoor(): Door {
  let gateways: readonly string[] = [];
  let turn = 0;
  return {
    lead(urls) {
      gateways = urls;
    },
    async ask(path, init) {
      turn += 1;
      const inTurn = gateways.map((_, index) => gateways[(turn + index) % gateways.length]);
      const failures: unknown[] = [];
      for (const url of inTurn) {
        try {
          return await fetch(`${url}${path}`, { ...init, signal: AbortSignal.timeout(TIMEOUT_MILLIS) });
        } catch (error) {
          failures.push(error);
        }
      }
      throw new AggregateError(failures, `no gateway of ${inTurn.length} could be reached`);
    },
  };
}
