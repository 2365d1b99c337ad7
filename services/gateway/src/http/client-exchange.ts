/** Defines a client's request and its response, independent of node:http and the fast path (decision 23). */
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeader } from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Trace } from '@daybook/service';
import type { CredentialKind } from './forwarded-credentials.ts';

/** The part of node:http's `IncomingMessage` that routes, predicates and filters use. */
export interface ClientRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: IncomingHttpHeaders;
  /** A flat list of names and values. The names keep their original case. */
  readonly rawHeaders: readonly string[];
  readonly socket: Socket & Partial<Pick<TLSSocket, 'encrypted'>>;
  /** Present where the same headers may repeat on the connection. Caches what was derived from them. */
  readonly memo?: HeadersMemo | undefined;
}

/** Returns the path of the request, without its query. */
export function pathOf({ url = '/' }: ClientRequest): string {
  const end = url.indexOf('?');
  return end === -1 ? url : url.slice(0, end);
}

/** A cache that is valid while the headers on a connection stay the same. */
export interface HeadersMemo {
  /**
   * The header lines for the service, with the forwarding headers, when no filter changes them. They differ by the
   * credentials that the service receives, and never hold a credential that the gateway adds.
   */
  readonly forwarded: Record<CredentialKind, string | undefined>;
}

/** The sender of a response. */
export interface ResponseOwner {
  /** Called once the response is sent or the client is gone. No other call follows. */
  onResponseClosed(): void;
  /** Called when the client can receive more. */
  onResponseDrained(): void;
}

/** One response to a client. */
export interface ClientResponse {
  /** Must be called first. */
  setOwner(owner: ResponseOwner): void;
  /** Sets the status and a flat list of headers. They may be sent together with the body. */
  writeHead(status: number, headers: OutgoingHttpHeader[]): void;
  /** Returns false when the client cannot receive more now. `sent` is called when the bytes are no longer needed. */
  write(bytes: Buffer, sent: () => void): boolean;
  /** Sends what is buffered, because the rest may take time. */
  flush(): void;
  /** Sends the last part of the body. The bytes are needed during the call only. */
  end(last?: Buffer): void;
  /** Breaks the connection. There is no other way to report that a started response is incomplete. */
  destroy(): void;
  /** Ends the connection after all is sent. */
  closeConnection(): void;
  /** Undefined before the response has begun. */
  readonly status: number | undefined;
  /** Whether it is the next one on its connection. An earlier response may be pending. */
  readonly isDue: boolean;
  /** Whether the whole response was sent. */
  readonly isSent: boolean;
}

/** A client's request and its response. */
export interface ClientExchange {
  readonly request: ClientRequest;
  /** Undefined without a body. */
  readonly body: IncomingMessage | undefined;
  readonly response: ClientResponse;
  readonly requestId: string;
  readonly trace: Trace;
}
