/**
 * An HTTP server with a fast lane (decision 23): plain requests are read and answered without node:http's objects for them,
 * which cost more than all that the gateway does. With the first thing on it that is not plain, a connection is node:http's.
 */
import { type RequestListener, Server, type ServerOptions } from 'node:http';
import type { Socket } from 'node:net';
import { contain, guarded, ignoreError, prepareConnection } from '@daybook/service';
import { FastPathConnection, type FastPathOwner } from './connection.ts';
import type { PlainRequest } from './plain-request.ts';
import type { FastPathResponse } from './response.ts';

export interface FastPathOptions {
  /** Has a plain request answered; false when it is for the listener. */
  tryHandle(request: PlainRequest, response: FastPathResponse): boolean;
  /** How long a connection is kept without a request. */
  keepAliveMillis: number;
  /** For a new connection to bring its first one. */
  requestMillis: number;
  /** How often to look for those that did not. */
  checkMillis: number;
}

export class FastPathServer extends Server implements FastPathOwner {
  readonly keepAliveLines: string;
  readonly tryHandle: FastPathOptions['tryHandle'];
  readonly #options: FastPathOptions;
  readonly #connections = new Set<FastPathConnection>();
  readonly #sweepTimer: NodeJS.Timeout;
  /** What node:http does with a connection. */
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

  /** Closes all connections: what a failure of a listener on the server itself costs. */
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

  /** With the answer that node:http gives to whoever says nothing. */
  #timeOutSilent(connection: FastPathConnection): void {
    connection.detach();
    this.#connections.delete(connection);
    connection.socket.on('error', ignoreError);
    const timeout = Object.assign(new Error('Request timeout'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
    this.emit('clientError', timeout, connection.socket);
  }
}
