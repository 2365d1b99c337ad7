/**
 * An HTTP server with a fast lane (decision 23): plain requests are read and answered without node:http's objects for them,
 * which cost more than all that the gateway does. With the first thing on it that is not plain, a connection is node:http's.
 */
import { type RequestListener, Server, type ServerOptions } from 'node:http';
import type { Socket } from 'node:net';
import { contain, guarded, ignoreError, prepareConnection } from '@daybook/service';
import type { LaneAnswer } from './lane-answer.ts';
import { LaneConnection, type LaneOwner } from './lane-connection.ts';
import type { PlainRequest } from './plain-request.ts';

export interface LaneOptions {
  /** Has a plain request answered; false when it is for the listener. */
  take(request: PlainRequest, answer: LaneAnswer): boolean;
  /** How long a connection is kept without a request. */
  keepAliveMillis: number;
  /** For a new connection to bring its first one. */
  requestMillis: number;
  /** How often to look for those that did not. */
  checkMillis: number;
}

export class LaneServer extends Server implements LaneOwner {
  readonly keptLines: string;
  readonly take: LaneOptions['take'];
  readonly #options: LaneOptions;
  readonly #connections = new Set<LaneConnection>();
  readonly #sweeping: NodeJS.Timeout;
  /** What node:http does with a connection. */
  readonly #accept: readonly ((this: Server, socket: Socket) => void)[];

  constructor(options: ServerOptions, listener: RequestListener, lane: LaneOptions) {
    super(options, listener);
    this.#options = lane;
    this.take = lane.take;
    this.keptLines = `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(lane.keepAliveMillis / 1_000)}\r\n`;
    this.#accept = this.listeners('connection') as ((socket: Socket) => void)[];
    this.removeAllListeners('connection');
    this.on(
      'connection',
      guarded(
        (socket: Socket) => socket,
        (socket: Socket) => void this.#connections.add(new LaneConnection(this, socket)),
      ),
    );
    this.#sweeping = setInterval(() => this.#sweep(), lane.checkMillis).unref();
    this.once(
      'close',
      guarded(this, () => clearInterval(this.#sweeping)),
    );
  }

  onHandedOver(connection: LaneConnection): void {
    this.#connections.delete(connection);
    for (const accept of this.#accept) accept.call(this, connection.socket);
    prepareConnection(connection.socket);
  }

  onClosed(connection: LaneConnection): void {
    this.#connections.delete(connection);
  }

  /** Closes all connections: what a failure of a listener on the server itself costs. */
  destroy(): void {
    this.closeAllConnections();
  }

  override closeIdleConnections(): void {
    for (const connection of this.#connections) {
      if (connection.isIdle && connection.hasAnswered) connection.destroy();
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

  #sweepOne(connection: LaneConnection, idleMillis: number): void {
    const { keepAliveMillis, requestMillis } = this.#options;
    if (!connection.hasAnswered && idleMillis > requestMillis) this.#sendSilentAway(connection);
    else if (idleMillis > keepAliveMillis) connection.destroy();
  }

  /** With the answer that node:http gives to whoever says nothing. */
  #sendSilentAway(connection: LaneConnection): void {
    connection.leave();
    this.#connections.delete(connection);
    connection.socket.on('error', ignoreError);
    const late = Object.assign(new Error('Request timeout'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
    this.emit('clientError', late, connection.socket);
  }
}
