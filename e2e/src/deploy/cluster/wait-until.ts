import { vi } from 'vitest';

/** What is waited for in a cluster takes seconds or minutes. */
export const POLL_OPTIONS = { timeout: 10 * 60_000, interval: 500 };

/** Resolves when it is so. @throws when it never is */
export const waitUntil = (what: string, isSo: () => Promise<boolean>): Promise<void> =>
  vi.waitFor(async () => {
    if (!(await isSo())) throw new Error(`Not yet: ${what}`);
  }, POLL_OPTIONS);
