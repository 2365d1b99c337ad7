/** Connections to the instances: a bounded number to each, kept, closed when the instance is gone. */
import type { LookupFunction } from 'node:net';
import type { DialRules } from '@daybook/discovery';
import type { UpstreamRequest } from './connection.ts';
import { ConnectionPool } from './connection-pool.ts';

export interface UpstreamOptions {
  /** To one instance. */
  connections?: number;
  /** Requests to one instance, waiting ones included; it is not asked for more. */
  maxInFlight?: number;
  /** Instances keep theirs for five seconds or longer. */
  maxIdleMillis?: number;
  /** How often to look for instances that are gone, and for idle connections. */
  sweepIntervalMillis?: number;
}

/** Requests to one instance. Whoever enters leaves. */
export interface Upstream {
  /** As `Host` says it. */
  readonly host: string;
  /** False when the instance has as many requests as it may. */
  tryAcquire(): boolean;
  send(request: UpstreamRequest): void;
  /** Takes back what waits for its turn; false when it does not. */
  cancel(request: UpstreamRequest): boolean;
  release(): void;
}

export interface Upstreams {
  /** The connections to an instance, by its URL; undefined for a URL that nothing can or may be sent to. */
  of(url: string, connectTimeoutMillis: number): Upstream | undefined;
  /** Whether a request can and may be sent to a URL. A name may: its addresses are checked by `lookup`. */
  isUsable(url: string): boolean;
  /** Resolves names to the addresses that may be dialed. */
  readonly lookup: LookupFunction;
  /** Lets requests under way end. */
  close(): Promise<void>;
}

const HTTP_ORIGIN = /^https?:\/\/[^/?#@]+$/;

/** By URL, and by the patience of the routes that lead there: there are few of those. */
type ByConnectTimeout = Map<number, Upstream & { readonly connections: ConnectionPool }>;

export function createUpstreams(
  knownUrls: () => ReadonlySet<string>,
  dialRules: DialRules,
  {
    connections: maxConnections = 128,
    // Twice what one client address may have under way (client-limits.ts).
    maxInFlight = 2_048,
    maxIdleMillis = 4_000,
    sweepIntervalMillis = 1_000,
  }: UpstreamOptions = {},
): Upstreams {
  const upstreams = new Map<string, ByConnectTimeout>();
  const closing = new Set<Promise<void>>();
  const sweepTimer = setInterval(sweep, sweepIntervalMillis).unref();

  function create(url: string, connectTimeoutMillis: number) {
    const connections = new ConnectionPool(url, {
      connectTimeoutMillis,
      maxConnections,
      maxIdleMillis,
      lookup: dialRules.lookup,
    });
    let inFlight = 0;
    return {
      connections,
      host: new URL(url).host,
      tryAcquire() {
        if (inFlight >= maxInFlight) return false;
        inFlight += 1;
        return true;
      },
      send: (request: UpstreamRequest) => connections.send(request),
      cancel: (call: UpstreamRequest) => connections.cancel(call),
      release() {
        inFlight -= 1;
      },
    };
  }

  /** Requests under way there end as they would have. */
  function close(byConnectTimeout: ByConnectTimeout): void {
    for (const { connections } of byConnectTimeout.values()) {
      const closed = connections.close();
      closing.add(closed);
      void closed.then(() => closing.delete(closed));
    }
  }

  function sweep(): void {
    const known = knownUrls();
    for (const [url, byPatience] of upstreams) {
      if (!known.has(url)) {
        upstreams.delete(url);
        close(byPatience);
      } else {
        for (const { connections } of byPatience.values()) connections.sweep();
      }
    }
  }

  function isUsable(url: string): boolean {
    const parsed = HTTP_ORIGIN.test(url) ? URL.parse(url) : null;
    return parsed !== null && dialRules.allows(parsed.hostname);
  }

  return {
    isUsable,
    lookup: dialRules.lookup,
    of(url, connectTimeoutMillis) {
      const existing = upstreams.get(url)?.get(connectTimeoutMillis);
      if (existing) return existing;
      // A socket resolves names only: an address is checked here.
      if (!isUsable(url)) return undefined;
      const upstream = create(url, connectTimeoutMillis);
      const byPatience = upstreams.get(url) ?? new Map();
      byPatience.set(connectTimeoutMillis, upstream);
      upstreams.set(url, byPatience);
      return upstream;
    },
    async close() {
      clearInterval(sweepTimer);
      for (const byPatience of upstreams.values()) close(byPatience);
      upstreams.clear();
      await Promise.all(closing);
    },
  };
}
