/** What one client address may hold at a time, and all of them together. */

interface Limit {
  readonly perClient: number;
  readonly total: number;
}

export interface ClientLimitsOptions {
  /**
   * From the request until its response is out. One address fills neither the gateway nor an instance. A clinic behind one
   * address (NAT) may send a thousand bookings simultaneously, so that the limit is not lower.
   */
  readonly requests: Limit;
  /** Requests with a body of which the first 64 KiB, or all of it, have not come yet. */
  readonly pendingBodies: Limit;
  /** Of bodies that came, until the response begins. */
  readonly bodyBytes: Limit;
  /** Larger bodies that are streamed. Each has a connection to an instance, of which there are 128. */
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

/** Whose limit was reached: of the client, or of all together. */
export type LimitReached = 'client' | 'total';

/** Counts by address. An address is forgotten as soon as it holds nothing, so that there are no more than holders. */
export class ClientLimits {
  readonly #limits: ClientLimitsOptions;
  readonly #total = noUsage();
  readonly #byClient = new Map<string, Usage>();

  constructor(limits: ClientLimitsOptions = CLIENT_LIMITS) {
    this.#limits = limits;
  }

  /** How many addresses hold something. */
  get size(): number {
    return this.#byClient.size;
  }

  /** Returns the limit that was reached. Undefined when the client has it, and has to release it. */
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
  /** Ends the tunnel, and the handshake where there was none. */
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
