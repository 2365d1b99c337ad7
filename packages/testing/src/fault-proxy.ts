/**
 * A TCP proxy for tests. It stands between programs and a server and injects faults of the network while both run.
 * The programs see an error of a connection as the end of it, as in a network. `close` reports all other errors.
 */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { FaultyConnection, type LastingFaults, type Loss, noFaults } from './faulty-connection.ts';

/** More than any test opens. */
const MAX_CONNECTIONS = 1_000;
const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'amqp:': 5672, 'http:': 80, 'mysql:': 3306 };

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface FaultProxyOptions {
  /** By default 127.0.0.1. */
  readonly host?: string;
  /** By default any free port. */
  readonly port?: number;
  /** The proxy drops further ones. */
  readonly maxConnections?: number;
}

export class FaultProxy implements AsyncDisposable {
  /** The server of new connections. Open ones stay with the server that they have. */
  target: Address;
  readonly host: string;
  readonly #maxConnections: number;
  readonly #connections = new Set<FaultyConnection>();
  readonly #faults: LastingFaults = noFaults();
  #port: number;
  #server: Server | undefined;
  #isClosed = false;
  #lost = 0;
  /** The last change of the listening server. Changes run one after another. */
  #change: Promise<void> = Promise.resolve();
  /** The first error that no program could see. */
  #error: { readonly cause: unknown } | undefined;

  /** Creates a proxy that refuses connections until `heal`. */
  constructor(target: Address, { host = '127.0.0.1', port = 0, maxConnections = MAX_CONNECTIONS }: FaultProxyOptions) {
    this.target = target;
    this.host = host;
    this.#port = port;
    this.#maxConnections = maxConnections;
  }

  get port(): number {
    return this.#port;
  }

  /** The number of open connections. */
  get connections(): number {
    return this.#connections.size;
  }

  /** The number of losses that `loseWhere` has chosen. */
  get lost(): number {
    return this.#lost;
  }

  /** Returns a URL with the address of this proxy. */
  through(url: string): string {
    return Object.assign(new URL(url), { host: `${this.host}:${this.#port}` }).href;
  }

  /** Cuts all connections immediately, in the middle of their data. New ones are accepted. */
  cut(): void {
    for (const connection of this.#connections) connection.cut();
  }

  /** Inserts meaningless bytes into each connection, in both directions, and cuts it. New ones are accepted. */
  corrupt(): void {
    for (const connection of this.#connections) connection.corrupt();
  }

  /** Cuts all connections, and refuses new ones until `heal`. */
  refuse(): Promise<void> {
    return this.#changeServer(() => this.#stopListening());
  }

  /** Forwards neither bytes nor the end of a connection until `heal`, like a network that drops packets. */
  stall(): void {
    this.#faults.stalls = true;
    this.#advance();
  }

  /** Delays all bytes in both directions, in their order, until `heal`. */
  delay(millis: number): void {
    this.#faults.delayMillis = millis;
  }

  /** Forwards requests and drops responses, until `heal` cuts all connections, because some lack bytes. */
  dropResponses(): void {
    this.#faults.dropsResponses = true;
  }

  /**
   * Calls `choose` with each chunk of each client until `heal`.
   * Cuts the connection before a chosen request reaches the server, or when the response to it arrives.
   */
  loseWhere(choose: (bytes: Buffer) => Loss | undefined): void {
    this.#faults.chooseLoss = (bytes) => {
      try {
        const loss = choose(bytes);
        if (loss) this.#lost += 1;
        return loss;
      } catch (error) {
        this.#report(error);
        return 'request';
      }
    };
  }

  /** Ends all faults. Connections that the faults have not cut go on, and new ones are accepted. */
  async heal(): Promise<void> {
    if (this.#faults.dropsResponses) this.cut();
    Object.assign(this.#faults, noFaults());
    this.#advance();
    await this.#changeServer(() => this.#listen());
  }

  /**
   * Cuts all connections and stops listening for good.
   * @throws the first error that no program could see, such as a connection above the limit
   */
  async close(): Promise<void> {
    await this.#changeServer(async () => {
      this.#isClosed = true;
      await this.#stopListening();
    });
    const error = this.#error;
    this.#error = undefined;
    if (error) throw error.cause;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #advance(): void {
    for (const connection of this.#connections) connection.advance();
  }

  #report(cause: unknown): void {
    this.#error ??= { cause };
  }

  #changeServer(change: () => Promise<void>): Promise<void> {
    // The caller of an earlier change has its error.
    this.#change = this.#change.then(change, change);
    return this.#change;
  }

  async #listen(): Promise<void> {
    if (this.#isClosed) throw new Error('the fault proxy is closed');
    if (this.#server) return;
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#serve(client));
    server.maxConnections = this.#maxConnections;
    server.listen(this.#port, this.host);
    await once(server, 'listening');
    server.on('error', (error) => this.#report(error));
    server.on('drop', () => this.#report(new Error(`more than ${this.#maxConnections} connections to a fault proxy`)));
    // A forgotten proxy does not keep its process running.
    server.unref();
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the fault proxy has no port');
    this.#port = address.port;
    this.#server = server;
  }

  async #stopListening(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    const closed = Promise.withResolvers<void>();
    server.close(() => closed.resolve());
    this.cut();
    await closed.promise;
  }

  #serve(client: Socket): void {
    try {
      const { host, port } = this.target;
      const server = connect({ host, port, allowHalfOpen: true, noDelay: true });
      const connection = new FaultyConnection(client, server, this.#faults, () => this.#connections.delete(connection));
      this.#connections.add(connection);
    } catch (error) {
      // The target has an impossible port.
      this.#report(error);
      client.destroy();
    }
  }
}

/** Opens a proxy to a server. It forwards all bytes until a test injects a fault. */
export async function openFaultProxy(target: Address, options: FaultProxyOptions = {}): Promise<FaultProxy> {
  const proxy = new FaultProxy(target, options);
  await proxy.heal();
  return proxy;
}

/** Opens a proxy to the server of a URL. `through` returns the URL of the same server behind the proxy. */
export async function openFaultProxyTo(url: string, options?: FaultProxyOptions): Promise<FaultProxy> {
  const { protocol, hostname, port } = new URL(url);
  const targetPort = Number(port) || DEFAULT_PORTS[protocol];
  if (targetPort === undefined) throw new Error(`a fault proxy needs a port: add it to the URL with ${protocol}`);
  return openFaultProxy({ host: hostname, port: targetPort }, options);
}
