/** The connections to one instance: bounded, kept for the next request, the one that was used last first. */
import { Connection, type ConnectionOptions, type ConnectionOwner, type UpstreamRequest } from './connection.ts';

export interface ConnectionPoolOptions extends ConnectionOptions {
  readonly maxConnections: number;
  /** Shorter than instances keep theirs, so that it is not they who close. */
  readonly maxIdleMillis: number;
}

export class ConnectionPool implements ConnectionOwner {
  readonly #url: URL;
  readonly #options: ConnectionPoolOptions;
  readonly #all = new Set<Connection>();
  readonly #idle: Connection[] = [];
  /** For a connection; bounded by who lets requests in. */
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

  /** Takes back a request that waits for its turn. One that waits for its own connection is told when that is there. */
  cancel(call: UpstreamRequest): boolean {
    return this.#queue.delete(call);
  }

  /** Closes what was idle too long; the oldest are first. */
  sweep(): void {
    const now = performance.now();
    const stale = this.#idle.filter((connection) => this.#isStale(connection, now));
    for (const connection of stale) connection.destroy();
  }

  /** Closes the idle connections now, the others when their requests end. */
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
