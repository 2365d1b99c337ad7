/** A request and the way back to who sent it, whoever reads and writes the bytes: node:http, or the fast lane (decision 23). */
import type { IncomingHttpHeaders, OutgoingHttpHeader } from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

/** The part of node:http's `IncomingMessage` that routes, predicates and filters look at. */
export interface ClientRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: IncomingHttpHeaders;
  /** A flat list of names, as they were written, and values. */
  readonly rawHeaders: readonly string[];
  readonly socket: Socket & Partial<Pick<TLSSocket, 'encrypted'>>;
  /** Where the same headers may come again on the connection: what was made of them. */
  readonly memo?: HeadersMemo | undefined;
}

/** Changes only with the headers of a connection. */
export interface HeadersMemo {
  /** What a service is sent of them, and of where they come from, when no filter changes it. */
  forwarded: string | undefined;
}

/** Whoever has an answer sent. */
export interface AnswerOwner {
  /** The answer is out, or the client is gone: nothing more happens. */
  onAnswerClosed(): void;
  /** The client takes more. */
  onAnswerDrained(): void;
}

/** One answer to a client. */
export interface ClientAnswer {
  /** To be called before anything else. */
  watch(owner: AnswerOwner): void;
  /** `headers` is a flat list of names and values. They may wait for what follows. */
  begin(status: number, headers: OutgoingHttpHeader[]): void;
  /** False when the client has enough for now. `sent` is called when the bytes are not needed any more. */
  write(bytes: Buffer, sent: () => void): boolean;
  /** The rest takes its time: the client is sent what there is. */
  flush(): void;
  /** With the last of the body. The bytes are needed during the call only. */
  end(last?: Buffer): void;
  /** Breaks the connection: the only way to say that an answer that has begun is not whole. */
  destroy(): void;
  /** Ends the connection as soon as all is sent. */
  sendAway(): void;
  /** Undefined before the answer has begun. */
  readonly status: number | undefined;
  /** Whether it is the next one on its connection. An earlier response may be pending. */
  readonly isDue: boolean;
  /** Whether all of it went out. */
  readonly isSent: boolean;
}
