import { backoffMillis } from '@daybook/async';

/** Exact pauses: a random part would only delay work that one process does at a time. */
const RETRY = { firstMillis: 500, longestMillis: 30_000, leastShare: 1 };

/** Returns the pause before due work that failed is due again. It doubles with each earlier attempt. */
export const retryPauseMillis = (attempts: number): number => backoffMillis(attempts + 1, RETRY);
