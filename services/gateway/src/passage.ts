/** One request on its way through the filters of its route. */
import type { OutgoingHttpHeader } from 'node:http';
import type { Refusal } from '@daybook/contracts';
import type { ClientRequest } from './client.ts';

/** What is sent to the service. The headers are a flat list of names, in small letters, and values. */
export interface RequestHead {
  path: string;
  /** With its question mark; empty where there is none. */
  query: string;
  readonly headers: string[];
}

/** What is sent to the client. The headers are a flat list of names, in small letters, and values. */
export interface AnswerHead {
  status: number;
  readonly headers: OutgoingHttpHeader[];
  /** False for a refusal, or another answer of the gateway's own. */
  readonly ofService: boolean;
}

/** An answer that no service is asked for. */
export interface OwnAnswer {
  readonly status: number;
  readonly headers: readonly string[];
}

/** A filter of one route, compiled. Each part is there only where the filter has something to do. */
export interface Filter {
  /** Before an instance is asked. What is put into `later` goes with the answer, whoever gives it. */
  readonly admit?: (request: ClientRequest, later: string[]) => OwnAnswer | Refusal | undefined;
  /** Before each try: what the service is sent. */
  readonly onRequest?: (head: RequestHead, request: ClientRequest) => void;
  /** Before the answer begins: what the client is sent. */
  readonly onAnswer?: (head: AnswerHead, request: ClientRequest) => void;
  /** Whether pages of an origin may send what changes something. */
  readonly allowsOrigin?: (origin: string) => boolean;
  /** The largest body that is passed on. */
  readonly bodyLimitBytes?: number;
}

/** The filters of one route, sorted when it is loaded. */
export interface FilterChain {
  readonly admit: readonly NonNullable<Filter['admit']>[];
  readonly onRequest: readonly NonNullable<Filter['onRequest']>[];
  readonly onAnswer: readonly NonNullable<Filter['onAnswer']>[];
  readonly allowsOrigin: readonly NonNullable<Filter['allowsOrigin']>[];
  readonly bodyLimitBytes: number | undefined;
}

/** Undefined for no filters: a route without any costs nothing here. */
export function chainOf(filters: readonly Filter[]): FilterChain | undefined {
  if (filters.length === 0) return undefined;
  const present = <Part>(part: Part | undefined): Part[] => (part === undefined ? [] : [part]);
  const limits = filters.flatMap(({ bodyLimitBytes }) => present(bodyLimitBytes));
  return {
    admit: filters.flatMap(({ admit }) => present(admit)),
    onRequest: filters.flatMap(({ onRequest }) => present(onRequest)),
    onAnswer: filters.flatMap(({ onAnswer }) => present(onAnswer)),
    allowsOrigin: filters.flatMap(({ allowsOrigin }) => present(allowsOrigin)),
    bodyLimitBytes: limits.length > 0 ? Math.min(...limits) : undefined,
  };
}

export class Passage {
  readonly #chain: FilterChain;
  readonly #request: ClientRequest;
  readonly #later: string[] = [];

  constructor(chain: FilterChain, request: ClientRequest) {
    this.#chain = chain;
    this.#request = request;
  }

  /** The first answer that a filter gives instead of the service. */
  admit(): OwnAnswer | Refusal | undefined {
    for (const admit of this.#chain.admit) {
      const answer = admit(this.#request, this.#later);
      if (answer) return answer;
    }
    return undefined;
  }

  /** Changes the headers for the service; the path and query that it is asked. */
  send(headers: string[]): string {
    const { url = '/' } = this.#request;
    const start = url.indexOf('?');
    const head: RequestHead =
      start === -1
        ? { path: url, query: '', headers }
        : { path: url.slice(0, start), query: url.slice(start), headers };
    for (const change of this.#chain.onRequest) change(head, this.#request);
    return head.path + head.query;
  }

  /** Changes the headers for the client; the status. */
  answer(status: number, headers: OutgoingHttpHeader[], ofService: boolean): number {
    for (const text of this.#later) headers.push(text);
    const head: AnswerHead = { status, headers, ofService };
    for (const change of this.#chain.onAnswer) change(head, this.#request);
    return head.status;
  }
}
