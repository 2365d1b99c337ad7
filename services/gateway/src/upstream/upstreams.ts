/**
 * Manages a bounded number of connections to each instance. Keeps them open, and closes them when the instance is gone.
 */
import type { LookupFunction } from 'node:net';
import type { DialRules } from '@daybook/discovery';
import type { UpstreamRequest } from './connection.ts';
import { ConnectionPool } from './connection-pool.ts';

export interface UpstreamOptions {
  /** Per instance. */
  connections?: number;
  /** Per instance, with queued requests. Beyond it, the instance gets no further request. */
  maxInFlight?: number;
  /** Instances keep theirs for five seconds or longer. */
  maxIdleMillis?: number;
  /** How often the sweep removes gone instances and idle connections. */
  sweepIntervalMillis?: number;
}

/** Admits requests to one instance. Each acquired place must be released. */
export interface Upstream {
  /** The value of `Host`. */
  readonly host: string;
  /** Returns false when the instance has reached its limit of requests. */
  tryAcquire(): boolean;
  send(request: UpstreamRequest): void;
  /** Removes a queued request; returns false if it is not queued. */
  cancel(request: UpstreamRequest): boolean;
  release(): void;
}

export interface Upstreams {
  /** Returns the connections to an instance by its URL; undefined for a URL that is not usable. */
  of(url: string, connectTimeoutMillis: number): Upstream | undefined;
  /**
   * Returns whether a URL is valid and permitted. A name is always permitted, because `lookup` checks its addresses.
   */
  isUsable(url: string): boolean;
  /** Resolves names to the addresses that may be dialed. */
  readonly lookup: LookupFunction;
  /** Closes after the pending requests. */
  close(): Promise<void>;
}

const HTTP_ORIGIN = /^https?:\/\/[^/?#@]+$/;

/** The connections of one URL by connect timeout. Routes use few different timeouts. */
type ByConnectTimeout = Map<number, Upstream & { readonly connections: ConnectionPool }>;

export function createUpstreams(
  knownUrls: () => ReadonlySet<string>,
  dialRules: DialRules,
  {
    connections: maxConnections = 128,
    // Twice the concurrent requests of one client address (client-limits.ts).
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

  /** Closes the connections. Pending requests end as usual. */
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
      // A socket resolves names only, so addresses are checked here.
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
