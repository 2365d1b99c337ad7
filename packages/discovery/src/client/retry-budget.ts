/** Limits retries to a small part of the traffic, so that a failing service does not get triple load. */
export interface RetryBudget {
  countRequest(): void;
  /** Takes one retry from the budget. Returns false when the budget is used up. */
  tryRetry(): boolean;
}

export interface RetryBudgetOptions {
  /** Retries per request over the window. */
  ratio?: number;
  /** The number of retries that every window allows, because a fifth of little traffic would be none. */
  floor?: number;
  /** Returns monotonic milliseconds. */
  now?: () => number;
}

const SLOTS = 10;
const SLOT_MILLIS = 1_000;

/** Counts over the last ten seconds, in a ring of one-second slots. */
export function createRetryBudget({
  ratio = 0.2,
  floor = 10,
  now = () => performance.now(),
}: RetryBudgetOptions = {}): RetryBudget {
  const ring = Array.from({ length: SLOTS }, () => ({ second: -1, requests: 0, retries: 0 }));

  function slotAt(second: number) {
    const slot = ring[second % SLOTS];
    if (!slot) throw new RangeError('the clock of a retry budget must not be negative');
    if (slot.second !== second) Object.assign(slot, { second, requests: 0, retries: 0 });
    return slot;
  }

  return {
    countRequest() {
      slotAt(Math.floor(now() / SLOT_MILLIS)).requests += 1;
    },
    tryRetry() {
      const second = Math.floor(now() / SLOT_MILLIS);
      const recent = ring.filter((slot) => slot.second > second - SLOTS);
      const requests = recent.reduce((sum, slot) => sum + slot.requests, 0);
      const retries = recent.reduce((sum, slot) => sum + slot.retries, 0);
      if (retries >= Math.max(floor, requests * ratio)) return false;
      slotAt(second).retries += 1;
      return true;
    },
  };
}
