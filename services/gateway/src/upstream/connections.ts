/** The connections to one instance: bounded, kept for the next request, the one that was used last first. */
import { type Call, Connection, type ConnectionOptions, type ConnectionOwner } from './connection.ts';

export interface ConnectionsOptions extends ConnectionOptions {
  readonly maxConnections: number;
  /** Shorter than instances keep theirs, so that it is not they who close. */
  readonly maxIdleMillis: number;
}

export class Connections implements ConnectionOwner {
  readonly #url: URL;
  readonly #options: ConnectionsOptions;
  readonly #all = new Set<Connection>();
  readonly #free: Connection[] = [];
  /** For a connection; bounded by who lets requests in. */
  readonly #waiting = new Set<Call>();
  #closed: PromiseWithResolvers<void> | undefined;

  constructor(url: string, options: ConnectionsOptions) {
    this.#url = new URL(url);
    this.#options = options;
  }

  send(call: Call): void {
    const connection = this.#takeFree();
    if (connection) connection.run(call);
    else if (this.#all.size < this.#options.maxConnections) this.#open(call);
    else this.#waiting.add(call);
  }

  /** Takes back a request that waits for its turn. One that waits for its own connection is told when that is there. */
  forget(call: Call): boolean {
    return this.#waiting.delete(call);
  }

  /** Closes what was idle too long; the oldest are first. */
  sweep(): void {
    const now = performance.now();
    const stale = this.#free.filter((connection) => this.#isStale(connection, now));
    for (const connection of stale) connection.destroy();
  }

  /** Closes the idle connections now, the others when their requests end. */
  close(): Promise<void> {
    this.#closed ??= Promise.withResolvers<void>();
    for (const connection of this.#free) connection.destroy();
    if (this.#all.size === 0) this.#closed.resolve();
    return this.#closed.promise;
  }

  onFree(connection: Connection): void {
    const [next] = this.#waiting;
    if (next) {
      this.#waiting.delete(next);
      connection.run(next);
    } else if (this.#closed) connection.destroy();
    else this.#free.push(connection);
  }

  onClosed(connection: Connection): void {
    this.#all.delete(connection);
    const index = this.#free.indexOf(connection);
    if (index !== -1) this.#free.splice(index, 1);
    const [next] = this.#waiting;
    if (next) {
      this.#waiting.delete(next);
      this.#open(next);
    }
    if (this.#all.size === 0) this.#closed?.resolve();
  }

  #open(call: Call): void {
    const connection = new Connection(this.#url, this.#options, this);
    this.#all.add(connection);
    connection.run(call);
  }

  #takeFree(): Connection | undefined {
    const now = performance.now();
    for (let connection = this.#free.pop(); connection; connection = this.#free.pop()) {
      if (connection.isUsable && !this.#isStale(connection, now)) return connection;
      connection.destroy();
    }
    return undefined;
  }

  #isStale({ idleSince, keptMillis }: Connection, now: number): boolean {
    return now - idleSince > Math.min(this.#options.maxIdleMillis, keptMillis);
  }
}
