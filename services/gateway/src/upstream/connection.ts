/** Sends requests to an instance over one connection, one after the other, each with its response. */
import { connect, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { contain, guarded } from '@daybook/service';
import { MalformedResponse, type ParsedResponseHead, ResponseParser, type ResponseSink } from './response-parser.ts';

/** A request for an instance, with the receiver of its response. */
export interface UpstreamRequest {
  readonly method: string;
  /** The head of the request, with the empty line at its end. */
  readonly head: string;
  /** `undefined` for none. */
  readonly body: Buffer | BodyStream | undefined;
  /** Called when sending begins. From now on the instance may handle the request. */
  onSend(connection: Connection): void;
  onHead(start: ParsedResponseHead): void;
  /** The bytes are valid during the call only. */
  onData(chunk: Buffer): void;
  onEnd(last: Buffer | undefined): void;
  /** Called when all received bytes were read and the response is not complete. */
  onPause(): void;
  /** Called instead of an end. Before `onSend`, nothing was sent. */
  onFailure(error: Error): void;
}

/** A body that is streamed. */
export interface BodyStream {
  /** Sends the body into a socket, as fast as that accepts it. */
  start(socket: Socket): void;
  /** Called when the socket can accept more. */
  resume(): void;
  /** Stops sending. */
  stop(): void;
  readonly isSent: boolean;
}

/** How a connection is opened. */
export interface ConnectionOptions {
  readonly connectTimeoutMillis: number;
  /** Resolves the instance's name to the addresses that may be dialed. */
  readonly lookup: LookupFunction;
}

export interface ConnectionOwner {
  /** Called when the connection can carry the next request. */
  onIdle(connection: Connection): void;
  onClosed(connection: Connection): void;
}

/** The connection ended before the response did. */
export class ConnectionClosed extends Error {
  override readonly name = 'ConnectionClosed';
}

export class ConnectTimeout extends Error {
  override readonly name = 'ConnectTimeout';
}

/** Received bytes are forwarded before the next read, so that all connections share one buffer. */
const READ_BUFFER = Buffer.allocUnsafeSlow(64 * 1024);
const KEEP_ALIVE_MARGIN_MILLIS = 1_000;
const KEEP_ALIVE_SECONDS = /(?:^|[\s,])timeout=(\d{1,6})/i;

const isStream = (body: Buffer | BodyStream | undefined): body is BodyStream =>
  body !== undefined && !Buffer.isBuffer(body);

export class Connection implements ResponseSink {
  readonly #owner: ConnectionOwner;
  readonly #socket: Socket;
  readonly #parser = new ResponseParser(this);
  readonly #timer: NodeJS.Timeout;
  /** The current request, or the request that waits for this connection to open. */
  #request: UpstreamRequest | undefined;
  #isOpen = false;
  #shouldKeepAlive = true;
  #error: Error | undefined;
  #keepAlive: string | undefined;
  /** How long the instance keeps the connection; `Infinity` if it does not state a time. */
  keepAliveMillis = Number.POSITIVE_INFINITY;
  /** When the last request ended. */
  idleSince = 0;

  constructor(url: URL, { connectTimeoutMillis, lookup }: ConnectionOptions, owner: ConnectionOwner) {
    this.#owner = owner;
    const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
    // Brackets occur in URLs only.
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const isSecure = url.protocol === 'https:';
    const onread = { buffer: READ_BUFFER, callback: (length: number) => this.#read(READ_BUFFER.subarray(0, length)) };
    this.#socket = isSecure
      ? connectTls({ host, port, servername: host, lookup })
      : connect({ host, port, onread, lookup });
    const socket = this.#socket;
    if (isSecure)
      socket.on(
        'data',
        guarded(socket, (chunk: Buffer) => this.#read(chunk)),
      );
    this.#timer = setTimeout(() => this.#socket.destroy(new ConnectTimeout()), connectTimeoutMillis);
    socket
      .setNoDelay(true)
      .once(
        isSecure ? 'secureConnect' : 'connect',
        guarded(socket, () => this.#onOpen()),
      )
      .on(
        'end',
        guarded(socket, () => this.#onEnd()),
      )
      .on(
        'drain',
        guarded(socket, () => this.#onDrain()),
      )
      .on(
        'error',
        guarded(socket, (error: Error) => {
          this.#error = error;
        }),
      )
      .on(
        'close',
        guarded(socket, () => this.#onClose()),
      );
  }

  /** Sends a request, now or when the connection opens. Allowed only while the connection has no other request. */
  run(request: UpstreamRequest): void {
    this.#request = request;
    if (this.#isOpen) this.#send(request);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  get isUsable(): boolean {
    return this.#socket.writable && !this.#socket.destroyed;
  }

  #onOpen(): void {
    clearTimeout(this.#timer);
    this.#isOpen = true;
    if (this.#request) this.#send(this.#request);
    else this.#owner.onIdle(this);
  }

  #send(call: UpstreamRequest): void {
    call.onSend(this);
    // The request may have been cancelled in the meantime.
    if (this.#socket.destroyed) return;
    this.#parser.begin(call.method);
    const { head, body } = call;
    if (body === undefined) {
      this.#socket.write(head, 'latin1');
      return;
    }
    this.#socket.cork();
    this.#socket.write(head, 'latin1');
    if (isStream(body)) body.start(this.#socket);
    else this.#socket.write(body);
    this.#socket.uncork();
  }

  #read(chunk: Buffer): boolean {
    try {
      this.#parser.read(chunk);
      this.#request?.onPause();
    } catch (error) {
      if (error instanceof MalformedResponse) this.#socket.destroy(error);
      else contain(this.#socket, error);
    }
    return true;
  }

  onHead(head: ParsedResponseHead): void {
    this.#shouldKeepAlive = head.shouldKeepAlive;
    if (head.keepAlive !== undefined && head.keepAlive !== this.#keepAlive) {
      this.#keepAlive = head.keepAlive;
      const seconds = KEEP_ALIVE_SECONDS.exec(head.keepAlive)?.[1];
      // One second less than the instance states, because a request sent at the last moment may come too late.
      if (seconds !== undefined) this.keepAliveMillis = Math.max(0, Number(seconds) * 1_000 - KEEP_ALIVE_MARGIN_MILLIS);
    }
    this.#request?.onHead(head);
  }

  onData(chunk: Buffer): void {
    this.#request?.onData(chunk);
  }

  onEnd(last: Buffer | undefined, isClean: boolean): void {
    const call = this.#request;
    this.#request = undefined;
    if (!call) return;
    const isSent = !isStream(call.body) || call.body.isSent;
    if (isStream(call.body)) call.body.stop();
    if (this.#shouldKeepAlive && isClean && isSent && this.isUsable) {
      this.idleSince = performance.now();
      this.#owner.onIdle(this);
    } else {
      this.#socket.destroy();
    }
    call.onEnd(last);
  }

  #onDrain(): void {
    if (isStream(this.#request?.body)) this.#request.body.resume();
  }

  #onEnd(): void {
    if (!this.#parser.close()) this.#error ??= new ConnectionClosed();
    this.#socket.destroy();
  }

  #onClose(): void {
    clearTimeout(this.#timer);
    const call = this.#request;
    this.#request = undefined;
    this.#owner.onClosed(this);
    if (!call) return;
    if (isStream(call.body)) call.body.stop();
    call.onFailure(this.#error ?? new ConnectionClosed());
  }
}
