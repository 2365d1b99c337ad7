/** The instances that one request is tried on, one after the other, never the same twice. */
import type { Balancer, Lease } from '@daybook/discovery';
import type { Logger } from '@daybook/service';
import type { Pool } from 'undici';
import type { Route } from './routes.ts';
import type { Upstream, Upstreams } from './upstreams.ts';

const MAX_TRIES = 3;

export interface TriesParts {
  readonly logger: Pick<Logger, 'warn'>;
  readonly balancer: Balancer;
  readonly upstreams: Upstreams;
}

export class Tries {
  readonly #parts: TriesParts;
  readonly #route: Route;
  readonly #requestId: string;
  readonly #tried = new Set<string>();
  #lease: Lease | undefined;
  #upstream: Upstream | undefined;

  constructor(parts: TriesParts, route: Route, requestId: string) {
    this.#parts = parts;
    this.#route = route;
    this.#requestId = requestId;
  }

  /** Whether an instance is known at all. */
  get hasBegun(): boolean {
    return this.#tried.size > 0;
  }

  /** The connections to the next instance, which counts as busy until it is let go; undefined when there is none. */
  next(): Pool | undefined {
    for (let lease = this.#pick(); lease; lease = this.#pick()) {
      const upstream = this.#parts.upstreams.of(lease.instance.url);
      this.#tried.add(lease.instance.instanceId);
      this.#lease = lease;
      if (upstream?.tryEnter()) {
        this.#upstream = upstream;
        return upstream.pool;
      }
      this.fail(upstream ? 'too busy' : 'its address cannot be used');
    }
    return undefined;
  }

  #pick(): Lease | undefined {
    if (this.#tried.size >= MAX_TRIES) return undefined;
    return this.#parts.balancer.pick(this.#route.service, this.#tried);
  }

  letGo(): void {
    this.#upstream?.leave();
    this.#lease?.release();
    this.#upstream = undefined;
    this.#lease = undefined;
  }

  /** Lets go of an instance that did not do its part, and says so. */
  fail(reason: string): void {
    const instanceId = this.#lease?.instance.instanceId;
    this.letGo();
    const { id: route } = this.#route;
    this.#parts.logger.warn({ route, instanceId, reason, requestId: this.#requestId }, 'an instance failed');
  }
}
