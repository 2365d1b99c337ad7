/** Limits rates with one token bucket per caller, in the memory of this process (decision 17). */

export interface RateLimit {
  /** Tokens added per second. */
  readonly perSecond: number;
  /** Tokens in a full bucket: the largest burst of requests. */
  readonly burst: number;
}

export interface RateLimitResult {
  readonly allowed: boolean;
  /** Whole tokens left. */
  readonly remaining: number;
  /** Whole seconds until a token is available: 0 when one is. */
  readonly retryAfterSeconds: number;
  /** Whole seconds until the bucket is full. */
  readonly resetSeconds: number;
}

export interface RateLimiter {
  take(key: string): RateLimitResult;
  /** The number of buckets. */
  readonly size: number;
}

export interface RateLimiterOptions {
  maxBuckets?: number;
  /** Returns monotonic milliseconds. */
  now?: () => number;
}

interface Bucket {
  tokens: number;
  updatedAt: number;
}

/**
 * Creates a limiter with a bounded number of buckets; the least recently used is evicted first. To get a full bucket by
 * eviction, a client needs as many addresses as there are buckets.
 */
export function createRateLimiter(
  { perSecond, burst }: RateLimit,
  { maxBuckets = 10_000, now = () => performance.now() }: RateLimiterOptions = {},
): RateLimiter {
  /** A Map keeps insertion order, so the buckets are in the order of their last use. */
  const buckets = new Map<string, Bucket>();
  const tokensOf = ({ tokens, updatedAt }: Bucket, time: number): number =>
    Math.min(burst, tokens + ((time - updatedAt) / 1_000) * perSecond);

  /**
   * Evicts the oldest buckets beyond the limit. Also evicts full ones, which need not be stored, at most two per
   * request.
   */
  function evictOldest(time: number): void {
    let checked = 0;
    for (const [key, bucket] of buckets) {
      if (buckets.size <= maxBuckets && (checked >= 2 || tokensOf(bucket, time) < burst)) return;
      buckets.delete(key);
      checked += 1;
    }
  }

  return {
    take(key) {
      const time = now();
      const existing = buckets.get(key);
      const before = existing ? tokensOf(existing, time) : burst;
      const allowed = before >= 1;
      const tokens = allowed ? before - 1 : before;
      if (existing) buckets.delete(key);
      // A rejected request does not change the bucket, because many small sums would accumulate a rounding error.
      buckets.set(key, existing && !allowed ? existing : { tokens, updatedAt: time });
      if (!existing) evictOldest(time);
      return {
        allowed,
        remaining: Math.floor(tokens),
        retryAfterSeconds: allowed ? 0 : Math.ceil((1 - tokens) / perSecond),
        resetSeconds: Math.ceil((burst - tokens) / perSecond),
      };
    },
    get size() {
      return buckets.size;
    },
  };
}
