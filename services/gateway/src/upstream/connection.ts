/** One connection to an instance: one request after the other, each with its answer. */
import { connect, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { contain, guarded } from '@daybook/service';
import { AnswerParser, type AnswerSink, type AnswerStart, UnreadableAnswer } from './answer-parser.ts';

/** A request for an instance, and whoever waits for the answer. */
export interface Call {
  readonly method: string;
  /** Of the request, with the empty line at its end. */
  readonly head: string;
  /** `undefined` for none. */
  readonly body: Buffer | BodyStream | undefined;
  /** It is being sent: from now on it may be done. */
  onSend(connection: Connection): void;
  onStart(start: AnswerStart): void;
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
  onFree(connection: Connection): void;
  onClosed(connection: Connection): void;
}

/** The connection ended before the answer did. */
export class ConnectionEnded extends Error {
  override readonly name = 'ConnectionEnded';
}

export class ConnectTimeout extends Error {
  override readonly name = 'ConnectTimeout';
}

/** What is read is passed on before anything else is read: one place for all connections, instead of one for each answer. */
const READ = Buffer.allocUnsafeSlow(64 * 1024);
const SHORTEST_IDLE_MILLIS = 1_000;
const KEEP_ALIVE_SECONDS = /(?:^|[\s,])timeout=(\d{1,6})/i;

const isStream = (body: Buffer | BodyStream | undefined): body is BodyStream =>
  body !== undefined && !Buffer.isBuffer(body);

export class Connection implements AnswerSink {
  readonly #owner: ConnectionOwner;
  readonly #socket: Socket;
  readonly #parser = new AnswerParser(this);
  readonly #timer: NodeJS.Timeout;
  /** The request that is under way, or waits for this connection to be there. */
  #call: Call | undefined;
  #isOpen = false;
  #isKept = true;
  #error: Error | undefined;
  #keepAlive: string | undefined;
  /** As long as the instance keeps it; `Infinity` when it did not say. */
  keptMillis = Number.POSITIVE_INFINITY;
  /** When its last request ended. */
  idleSince = 0;

  constructor(url: URL, { connectTimeoutMillis, lookup }: ConnectionOptions, owner: ConnectionOwner) {
    this.#owner = owner;
    const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
    // Brackets are for URLs only.
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const isSecure = url.protocol === 'https:';
    const onread = { buffer: READ, callback: (length: number) => this.#read(READ.subarray(0, length)) };
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
        guarded(socket, () => this.#opened()),
      )
      .on(
        'end',
        guarded(socket, () => this.#ended()),
      )
      .on(
        'drain',
        guarded(socket, () => this.#drained()),
      )
      .on(
        'error',
        guarded(socket, (error: Error) => {
          this.#error = error;
        }),
      )
      .on(
        'close',
        guarded(socket, () => this.#closed()),
      );
  }

  /** Sends a request, or will when the connection is there. Only while it has no other. */
  run(call: Call): void {
    this.#call = call;
    if (this.#isOpen) this.#send(call);
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

  #opened(): void {
    clearTimeout(this.#timer);
    this.#isOpen = true;
    if (this.#call) this.#send(this.#call);
    else this.#owner.onFree(this);
  }

  #send(call: Call): void {
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
      this.#call?.onPause();
    } catch (error) {
      if (error instanceof UnreadableAnswer) this.#socket.destroy(error);
      else contain(this.#socket, error);
    }
    return true;
  }

  onStart(start: AnswerStart): void {
    this.#isKept = start.isKept;
    if (start.keepAlive !== undefined && start.keepAlive !== this.#keepAlive) {
      this.#keepAlive = start.keepAlive;
      const seconds = KEEP_ALIVE_SECONDS.exec(start.keepAlive)?.[1];
      // A second less than they say: what is sent at the last moment may come too late.
      if (seconds !== undefined) this.keptMillis = Math.max(0, Number(seconds) * 1_000 - SHORTEST_IDLE_MILLIS);
    }
    this.#call?.onStart(start);
  }

  onData(chunk: Buffer): void {
    this.#call?.onData(chunk);
  }

  onEnd(last: Buffer | undefined, isClean: boolean): void {
    const call = this.#call;
    this.#call = undefined;
    if (!call) return;
    const isSent = !isStream(call.body) || call.body.isSent;
    if (isStream(call.body)) call.body.stop();
    if (this.#isKept && isClean && isSent && this.isUsable) {
      this.idleSince = performance.now();
      this.#owner.onFree(this);
    } else {
      this.#socket.destroy();
    }
    call.onEnd(last);
  }

  #drained(): void {
    if (isStream(this.#call?.body)) this.#call.body.resume();
  }

  #ended(): void {
    if (!this.#parser.close()) this.#error ??= new ConnectionEnded();
    this.#socket.destroy();
  }

  #closed(): void {
    clearTimeout(this.#timer);
    const call = this.#call;
    this.#call = undefined;
    this.#owner.onClosed(this);
    if (!call) return;
    if (isStream(call.body)) call.body.stop();
    call.onFailure(this.#error ?? new ConnectionEnded());
  }
}
