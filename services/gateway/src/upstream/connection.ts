/** One connection to an instance: one request after the other, each with its answer. */
import { connect, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { contain, guarded } from '@daybook/service';
import { MalformedResponse, type ParsedResponseHead, ResponseParser, type ResponseSink } from './response-parser.ts';

/** A request for an instance, and whoever waits for the answer. */
export interface UpstreamRequest {
  readonly method: string;
  /** Of the request, with the empty line at its end. */
  readonly head: string;
  /** `undefined` for none. */
  readonly body: Buffer | BodyStream | undefined;
  /** It is being sent: from now on it may be done. */
  onSend(connection: Connection): void;
  onHead(start: ParsedResponseHead): void;
  /** The bytes are there during the call only. */
  onData(chunk: Buffer): void;
  onEnd(last: Buffer | undefined): void;
  /** All that came so far was read, and it is not the end. */
  onPause(): void;
  /** Instead of an end. Before `onSend`, nothing was sent. */
  onFailure(error: Error): void;
}

/** A body that is sent as it comes. */
export interface BodyStream {
  /** Sends itself into a socket, as fast as that takes it. */
  start(socket: Socket): void;
  /** The socket takes more. */
  resume(): void;
  /** Nothing more is to be sent. */
  stop(): void;
  readonly isSent: boolean;
}

/** How a connection comes to be. */
export interface ConnectionOptions {
  readonly connectTimeoutMillis: number;
  /** Resolves the name of the instance to the addresses that may be dialed. */
  readonly lookup: LookupFunction;
}

export interface ConnectionOwner {
  /** It can take the next request. */
  onIdle(connection: Connection): void;
  onClosed(connection: Connection): void;
}

/** The connection ended before the answer did. */
export class ConnectionClosed extends Error {
  override readonly name = 'ConnectionClosed';
}

export class ConnectTimeout extends Error {
  override readonly name = 'ConnectTimeout';
}

/** What is read is passed on before anything else is read: one place for all connections, instead of one for each answer. */
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
  /** The request that is under way, or waits for this connection to be there. */
  #request: UpstreamRequest | undefined;
  #isOpen = false;
  #shouldKeepAlive = true;
  #error: Error | undefined;
  #keepAlive: string | undefined;
  /** As long as the instance keeps it; `Infinity` when it did not say. */
  keepAliveMillis = Number.POSITIVE_INFINITY;
  /** When its last request ended. */
  idleSince = 0;

  constructor(url: URL, { connectTimeoutMillis, lookup }: ConnectionOptions, owner: ConnectionOwner) {
    this.#owner = owner;
    const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
    // Brackets are for URLs only.
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

  /** Sends a request, or will when the connection is there. Only while it has no other. */
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
    // Whoever waited may not do so any more.
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
      // A second less than they say: what is sent at the last moment may come too late.
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
