/**
 * Serves plain requests on a fast path, without node:http's objects for them (decision 23). These objects cost more
 * than all work of the gateway.
 *
 * What it accepts: one chunk that is exactly one GET or HEAD, HTTP/1.1, visible ASCII, of at most 4 KiB. The path is
 * unambiguous, the Host is valid, and no header name repeats. No header concerns a body, the connection or a proxy. A
 * route matches the request, and the response before it is complete.
 *
 * What it leaves to node:http: everything else, valid or not. That includes a part of a request, two requests in one
 * chunk, bodies and upgrades. The fast path never rejects a request, and never waits for the rest of one. It hands the
 * connection over for good, together with the bytes already read, as if the connection were new.
 *
 * Why that is safe: a client smuggles a request where two parsers read the same bytes differently. An accepted request
 * has one reading only. It has no body, and no byte follows it, so parsers cannot disagree about its end. A request
 * that is left to node:http without need costs only time.
 *
 * What the differential fuzz test next to this file proves (`plain-request-fuzz.test.ts`, decision 32): llhttp, the
 * parser of node:http, reads each accepted request as one whole request. Method, target and headers are the same. There
 * is no body and no upgrade, and the connection is kept. The check for ambiguous requests accepts it, too. The test
 * changes requests at random, and also cuts, extends and changes them at every byte. It does not compare what the fast
 * path leaves to node:http. `fast-path.test.ts` compares the responses of both.
 */
import { type RequestListener, Server, type ServerOptions } from 'node:http';
import type { Socket } from 'node:net';
import { contain, guarded, ignoreError, prepareConnection } from '@daybook/service';
import { FastPathConnection, type FastPathOwner } from './connection.ts';
import type { PlainRequest } from './plain-request.ts';
import type { FastPathResponse } from './response.ts';

export interface FastPathOptions {
  /** Handles a plain request; returns false when it is for the listener. */
  tryHandle(request: PlainRequest, response: FastPathResponse): boolean;
  /** How long a connection without a request stays open. */
  keepAliveMillis: number;
  /** How long a new connection may take to send its first request. */
  requestMillis: number;
  /** How often the server checks for silent connections. */
  checkMillis: number;
}

export class FastPathServer extends Server implements FastPathOwner {
  readonly keepAliveLines: string;
  readonly tryHandle: FastPathOptions['tryHandle'];
  readonly #options: FastPathOptions;
  readonly #connections = new Set<FastPathConnection>();
  readonly #sweepTimer: NodeJS.Timeout;
  /** The listeners of node:http for a new connection. */
  readonly #connectionListeners: readonly ((this: Server, socket: Socket) => void)[];

  constructor(options: ServerOptions, listener: RequestListener, fastPath: FastPathOptions) {
    super(options, listener);
    this.#options = fastPath;
    this.tryHandle = fastPath.tryHandle;
    this.keepAliveLines = `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(fastPath.keepAliveMillis / 1_000)}\r\n`;
    this.#connectionListeners = this.listeners('connection') as ((socket: Socket) => void)[];
    this.removeAllListeners('connection');
    this.on(
      'connection',
      guarded(
        (socket: Socket) => socket,
        (socket: Socket) => void this.#connections.add(new FastPathConnection(this, socket)),
      ),
    );
    this.#sweepTimer = setInterval(() => this.#sweep(), fastPath.checkMillis).unref();
    this.once(
      'close',
      guarded(this, () => clearInterval(this.#sweepTimer)),
    );
  }

  onHandedOver(connection: FastPathConnection): void {
    this.#connections.delete(connection);
    for (const listener of this.#connectionListeners) listener.call(this, connection.socket);
    prepareConnection(connection.socket);
  }

  onClosed(connection: FastPathConnection): void {
    this.#connections.delete(connection);
  }

  /** Closes all connections. Called after the failure of a listener on the server itself. */
  destroy(): void {
    this.closeAllConnections();
  }

  override closeIdleConnections(): void {
    for (const connection of this.#connections) {
      if (connection.isIdle && connection.hasResponded) connection.destroy();
    }
    super.closeIdleConnections();
  }

  override closeAllConnections(): void {
    for (const connection of this.#connections) connection.destroy();
    super.closeAllConnections();
  }

  #sweep(): void {
    const now = performance.now();
    for (const connection of this.#connections) {
      try {
        if (connection.isIdle) this.#sweepOne(connection, now - connection.idleSince);
      } catch (failure) {
        contain(connection, failure);
      }
    }
  }

  #sweepOne(connection: FastPathConnection, idleMillis: number): void {
    const { keepAliveMillis, requestMillis } = this.#options;
    if (!connection.hasResponded && idleMillis > requestMillis) this.#timeOutSilent(connection);
    else if (idleMillis > keepAliveMillis) connection.destroy();
  }

  /** Rejects a silent connection with the timeout response of node:http. */
  #timeOutSilent(connection: FastPathConnection): void {
    connection.detach();
    this.#connections.delete(connection);
    connection.socket.on('error', ignoreError);
    const timeout = Object.assign(new Error('Request timeout'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
    this.emit('clientError', timeout, connection.socket);
  }
}
