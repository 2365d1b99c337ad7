/** One request on its way through the filters of its route. */
import type { OutgoingHttpHeader } from 'node:http';
import type { Refusal } from '@daybook/contracts';
import type { ClientRequest } from '../http/client-exchange.ts';

/** What is sent to the service. The headers are a flat list of names, in small letters, and values. */
export interface RequestHead {
  path: string;
  /** With its question mark; empty where there is none. */
  query: string;
  readonly headers: string[];
}

/** What is sent to the client. The headers are a flat list of names, in small letters, and values. */
export interface ResponseHead {
  status: number;
  readonly headers: OutgoingHttpHeader[];
  /** False for a refusal, or another answer of the gateway's own. */
  readonly isFromService: boolean;
}

/** An answer that no service is asked for. */
export interface LocalResponse {
  readonly status: number;
  readonly headers: readonly string[];
}

/** A filter of one route, compiled. Each part is there only where the filter has something to do. */
export interface Filter {
  /** Before an instance is asked. What is put into `later` goes with the answer, whoever gives it. */
  readonly onRequest?: (request: ClientRequest, responseHeaders: string[]) => LocalResponse | Refusal | undefined;
  /** Before each try: what the service is sent. */
  readonly onUpstreamRequest?: (head: RequestHead, request: ClientRequest) => void;
  /** Before the answer begins: what the client is sent. */
  readonly onResponse?: (head: ResponseHead, request: ClientRequest) => void;
  /** Whether pages of an origin may send what changes something. */
  readonly allowsOrigin?: (origin: string) => boolean;
  /** The largest body that is passed on. */
  readonly bodyLimitBytes?: number;
}

/** The filters of one route, sorted when it is loaded. */
export interface FilterChain {
  readonly onRequest: readonly NonNullable<Filter['onRequest']>[];
  readonly onUpstreamRequest: readonly NonNullable<Filter['onUpstreamRequest']>[];
  readonly onResponse: readonly NonNullable<Filter['onResponse']>[];
  readonly allowsOrigin: readonly NonNullable<Filter['allowsOrigin']>[];
  readonly bodyLimitBytes: number | undefined;
}

/** Undefined for no filters: a route without any costs nothing here. */
export function compileFilterChain(filters: readonly Filter[]): FilterChain | undefined {
  if (filters.length === 0) return undefined;
  const present = <Part>(part: Part | undefined): Part[] => (part === undefined ? [] : [part]);
  const limits = filters.flatMap(({ bodyLimitBytes }) => present(bodyLimitBytes));
  return {
    onRequest: filters.flatMap(({ onRequest }) => present(onRequest)),
    onUpstreamRequest: filters.flatMap(({ onUpstreamRequest }) => present(onUpstreamRequest)),
    onResponse: filters.flatMap(({ onResponse }) => present(onResponse)),
    allowsOrigin: filters.flatMap(({ allowsOrigin }) => present(allowsOrigin)),
    bodyLimitBytes: limits.length > 0 ? Math.min(...limits) : undefined,
  };
}

export class FilterRun {
  readonly #chain: FilterChain;
  readonly #request: ClientRequest;
  readonly #responseHeaders: string[] = [];

  constructor(chain: FilterChain, request: ClientRequest) {
    this.#chain = chain;
    this.#request = request;
  }

  /** The first answer that a filter gives instead of the service. */
  onRequest(): LocalResponse | Refusal | undefined {
    for (const onRequest of this.#chain.onRequest) {
      const response = onRequest(this.#request, this.#responseHeaders);
      if (response) return response;
    }
    return undefined;
  }

  /** Changes the headers for the service; the path and query that it is asked. */
  onUpstreamRequest(headers: string[]): string {
    const { url = '/' } = this.#request;
    const start = url.indexOf('?');
    const head: RequestHead =
      start === -1
        ? { path: url, query: '', headers }
        : { path: url.slice(0, start), query: url.slice(start), headers };
    for (const change of this.#chain.onUpstreamRequest) change(head, this.#request);
    return head.path + head.query;
  }

  /** Changes the headers for the client; the status. */
  answer(status: number, headers: OutgoingHttpHeader[], isFromService: boolean): number {
    for (const text of this.#responseHeaders) headers.push(text);
    const head: ResponseHead = { status, headers, isFromService };
    for (const change of this.#chain.onResponse) change(head, this.#request);
    return head.status;
  }
}
