/** Limits what one client address may hold simultaneously, and what all addresses together may hold. */

interface Limit {
  readonly perClient: number;
  readonly total: number;
}

export interface ClientLimitsOptions {
  /**
   * Counted until the response is sent. One address cannot fill the gateway or an instance. A clinic behind one address
   * (NAT) may send a thousand bookings simultaneously, so the limit is not lower.
   */
  readonly requests: Limit;
  /** Requests that wait for the first 64 KiB of a body, or for the whole of a smaller body. */
  readonly pendingBodies: Limit;
  /** Bytes of buffered bodies, until the response begins. */
  readonly bodyBytes: Limit;
  /** Larger bodies, which are streamed. Each occupies one of the 128 connections to an instance. */
  readonly uploads: Limit;
  /** WebSockets until they are open. */
  readonly handshakes: Limit;
  /** WebSockets from their handshake until both sides are closed. */
  readonly tunnels: Limit;
}

export type LimitedResource = keyof ClientLimitsOptions;

const MEBIBYTE = 1024 * 1024;

export const CLIENT_LIMITS: ClientLimitsOptions = {
  requests: { perClient: 1_024, total: 4_096 },
  pendingBodies: { perClient: 256, total: 2_048 },
  bodyBytes: { perClient: 4 * MEBIBYTE, total: 16 * MEBIBYTE },
  uploads: { perClient: 16, total: 64 },
  handshakes: { perClient: 32, total: 256 },
  tunnels: { perClient: 64, total: 1_000 },
};

type Usage = Record<LimitedResource, number>;

const noUsage = (): Usage => ({ requests: 0, pendingBodies: 0, bodyBytes: 0, uploads: 0, handshakes: 0, tunnels: 0 });

const isUnused = (usage: Usage): boolean =>
  usage.requests + usage.pendingBodies + usage.bodyBytes + usage.uploads + usage.handshakes + usage.tunnels === 0;

/** The limit that was reached: the client's own, or the limit of all clients together. */
export type LimitReached = 'client' | 'total';

/** Counts by address. An address without a holding is forgotten, which bounds the memory. */
export class ClientLimits {
  readonly #limits: ClientLimitsOptions;
  readonly #total = noUsage();
  readonly #byClient = new Map<string, Usage>();

  constructor(limits: ClientLimitsOptions = CLIENT_LIMITS) {
    this.#limits = limits;
  }

  /** The number of addresses that hold something. */
  get size(): number {
    return this.#byClient.size;
  }

  /**
   * Acquires a resource. Returns the limit that was reached; undefined on success, and then the caller must release it.
   */
  tryAcquire(resource: LimitedResource, client: string, amount = 1): LimitReached | undefined {
    const { perClient, total } = this.#limits[resource];
    const existing = this.#byClient.get(client);
    if ((existing?.[resource] ?? 0) + amount > perClient) return 'client';
    if (this.#total[resource] + amount > total) return 'total';
    const usage = existing ?? noUsage();
    if (!existing) this.#byClient.set(client, usage);
    usage[resource] += amount;
    this.#total[resource] += amount;
    return undefined;
  }

  release(resource: LimitedResource, client: string, amount = 1): void {
    const usage = this.#byClient.get(client);
    if (!usage) return;
    usage[resource] -= amount;
    this.#total[resource] -= amount;
    if (isUnused(usage)) this.#byClient.delete(client);
  }
}

/** A WebSocket that counts as a handshake and as a tunnel. Each end may be reported more than once. */
export interface PendingHandshake {
  /** Ends the handshake. */
  end(): void;
  /** Ends the tunnel. Also ends the handshake if the tunnel did not open. */
  closed(): void;
}

/** Returns the handshake, or the limit that was reached. */
export function beginHandshake(limits: ClientLimits, client: string): PendingHandshake | LimitReached {
  const limit = limits.tryAcquire('tunnels', client);
  if (limit) return limit;
  const releaseTunnel = once(() => limits.release('tunnels', client));
  const handshakeLimit = limits.tryAcquire('handshakes', client);
  if (handshakeLimit) {
    releaseTunnel();
    return handshakeLimit;
  }
  const end = once(() => limits.release('handshakes', client));
  return {
    end,
    closed() {
      end();
      releaseTunnel();
    },
  };
}

function once(action: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    action();
  };
}
