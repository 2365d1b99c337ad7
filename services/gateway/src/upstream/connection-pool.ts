/** Pools the connections to one instance. Their number is bounded, and the most recently used one is reused first. */
import { Connection, type ConnectionOptions, type ConnectionOwner, type UpstreamRequest } from './connection.ts';

export interface ConnectionPoolOptions extends ConnectionOptions {
  readonly maxConnections: number;
  /** Shorter than the instances' own limit, so that the gateway closes first. */
  readonly maxIdleMillis: number;
}

export class ConnectionPool implements ConnectionOwner {
  readonly #url: URL;
  readonly #options: ConnectionPoolOptions;
  readonly #all = new Set<Connection>();
  readonly #idle: Connection[] = [];
  /** Requests that wait for a connection. The admission of requests bounds their number. */
  readonly #queue = new Set<UpstreamRequest>();
  #closed: PromiseWithResolvers<void> | undefined;

  constructor(url: string, options: ConnectionPoolOptions) {
    this.#url = new URL(url);
    this.#options = options;
  }

  send(request: UpstreamRequest): void {
    const connection = this.#takeIdle();
    if (connection) connection.run(request);
    else if (this.#all.size < this.#options.maxConnections) this.#open(request);
    else this.#queue.add(request);
  }

  /** Removes a request from the queue. A request that waits for its own connection is notified once it opens. */
  cancel(call: UpstreamRequest): boolean {
    return this.#queue.delete(call);
  }

  /** Closes connections that were idle too long, the oldest first. */
  sweep(): void {
    const now = performance.now();
    const stale = this.#idle.filter((connection) => this.#isStale(connection, now));
    for (const connection of stale) connection.destroy();
  }

  /** Closes the idle connections now, and the others when their requests end. */
  close(): Promise<void> {
    this.#closed ??= Promise.withResolvers<void>();
    for (const connection of this.#idle) connection.destroy();
    if (this.#all.size === 0) this.#closed.resolve();
    return this.#closed.promise;
  }

  onIdle(connection: Connection): void {
    const [next] = this.#queue;
    if (next) {
      this.#queue.delete(next);
      connection.run(next);
    } else if (this.#closed) connection.destroy();
    else this.#idle.push(connection);
  }

  onClosed(connection: Connection): void {
    this.#all.delete(connection);
    const index = this.#idle.indexOf(connection);
    if (index !== -1) this.#idle.splice(index, 1);
    const [next] = this.#queue;
    if (next) {
      this.#queue.delete(next);
      this.#open(next);
    }
    if (this.#all.size === 0) this.#closed?.resolve();
  }

  #open(call: UpstreamRequest): void {
    const connection = new Connection(this.#url, this.#options, this);
    this.#all.add(connection);
    connection.run(call);
  }

  #takeIdle(): Connection | undefined {
    const now = performance.now();
    for (let connection = this.#idle.pop(); connection; connection = this.#idle.pop()) {
      if (connection.isUsable && !this.#isStale(connection, now)) return connection;
      connection.destroy();
    }
    return undefined;
  }

  #isStale({ idleSince, keepAliveMillis }: Connection, now: number): boolean {
    return now - idleSince > Math.min(this.#options.maxIdleMillis, keepAliveMillis);
  }
}
