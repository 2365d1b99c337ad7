/** Token buckets, one for each who asks, in the memory of this process (decision 17). */

export interface RateLimit {
  /** Tokens that come back in a second. */
  readonly perSecond: number;
  /** Tokens in a full bucket: how many requests may come at once. */
  readonly burst: number;
}

export interface RateLimitResult {
  readonly allowed: boolean;
  /** Whole tokens that are left. */
  readonly remaining: number;
  /** Whole seconds until there is a token: 0 where there is one. */
  readonly retryAfterSeconds: number;
  /** Whole seconds until the bucket is full. */
  readonly resetSeconds: number;
}

export interface RateLimiter {
  take(key: string): RateLimitResult;
  /** How many buckets there are. */
  readonly size: number;
}

export interface RateLimiterOptions {
  maxBuckets?: number;
  /** Milliseconds that only go up. */
  now?: () => number;
}

interface Bucket {
  tokens: number;
  updatedAt: number;
}

/**
 * There are as many buckets as may be, and no more: the one that was not asked for longest goes first. Who wants a full
 * bucket again that way has to come from as many addresses as there are buckets.
 */
export function createRateLimiter(
  { perSecond, burst }: RateLimit,
  { maxBuckets = 10_000, now = () => performance.now() }: RateLimiterOptions = {},
): RateLimiter {
  /** In the order in which they were asked: a Map keeps the order in which its keys came. */
  const buckets = new Map<string, Bucket>();
  const tokensOf = ({ tokens, updatedAt }: Bucket, time: number): number =>
    Math.min(burst, tokens + ((time - updatedAt) / 1_000) * perSecond);

  /** A bucket that is full again is as good as none; looked for where the oldest are, two a request. */
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
      // Who is refused leaves the bucket as it is: sums of many small parts would be a little less than they should.
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
