import { vi } from 'vitest';

/** Changes of a cluster take seconds or minutes. */
export const POLL_OPTIONS = { timeout: 10 * 60_000, interval: 500 };

/**
 * Resolves when the condition is true.
 * @throws after the timeout
 */
export const waitUntil = (what: string, isSo: () => Promise<boolean>): Promise<void> =>
  vi.waitFor(async () => {
    if (!(await isSo())) throw new Error(`Not yet: ${what}`);
  }, POLL_OPTIONS);
