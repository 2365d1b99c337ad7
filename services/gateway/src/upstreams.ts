/** Connections to the instances: a bounded pool for each, kept alive, closed when the instance is gone. */
import { Pool } from 'undici';

export interface UpstreamOptions {
  connectTimeoutMillis?: number;
  /** To one instance. */
  connections?: number;
  /** Requests to one instance, waiting ones included; it is not asked for more. */
  maxInFlight?: number;
  /** How often to look for pools whose instance is gone. */
  sweepIntervalMillis?: number;
}

/** One instance's pool. Whoever enters leaves when undici has let go of the request, not before. */
export interface Upstream {
  readonly pool: Pool;
  /** False when the instance has as many requests as it may. */
  tryEnter(): boolean;
  leave(): void;
}

export interface Upstreams {
  /** The pool of an instance, by its URL; undefined for a URL that nothing can be sent to. */
  of(url: string): Upstream | undefined;
  /** Lets requests under way end. */
  close(): Promise<void>;
}

const HTTP_ORIGIN = /^https?:\/\/[^/?#@]+$/;

export function createUpstreams(
  knownUrls: () => ReadonlySet<string>,
  {
    connectTimeoutMillis = 1_000,
    connections = 128,
    maxInFlight = 1_024,
    sweepIntervalMillis = 5_000,
  }: UpstreamOptions = {},
): Upstreams {
  const upstreams = new Map<string, Upstream>();
  const sweeping = setInterval(sweep, sweepIntervalMillis).unref();

  function create(url: string): Upstream {
    // No time limits of undici's: the exchange has its own, which are exact and span all tries.
    const limits = { headersTimeout: 0, bodyTimeout: 0 };
    const pool = new Pool(url, { connections, connect: { timeout: connectTimeoutMillis }, allowH2: false, ...limits });
    let inFlight = 0;
    return {
      pool,
      tryEnter() {
        if (inFlight >= maxInFlight) return false;
        inFlight += 1;
        return true;
      },
      leave() {
        inFlight -= 1;
      },
    };
  }

  function sweep(): void {
    const known = knownUrls();
    for (const [url, { pool }] of upstreams) {
      if (known.has(url)) continue;
      upstreams.delete(url);
      void pool.close();
    }
  }

  return {
    of(url) {
      const existing = upstreams.get(url);
      if (existing) return existing;
      if (!HTTP_ORIGIN.test(url) || !URL.canParse(url)) return undefined;
      const upstream = create(url);
      upstreams.set(url, upstream);
      return upstream;
    },
    async close() {
      clearInterval(sweeping);
      await Promise.all([...upstreams.values()].map(({ pool }) => pool.close()));
    },
  };
}
