/** Defines what a filter does with the requests of its route, and sorts the filters of one route. */
import type { OutgoingHttpHeader } from 'node:http';
import type { Refusal } from '@daybook/contracts';
import type { ClientRequest } from '../http/client-exchange.ts';

/** The request for the service. The headers are a flat list of lower-case names and values. */
export interface RequestHead {
  path: string;
  /** Includes the question mark; empty without a query. */
  query: string;
  readonly headers: string[];
}

/** The response for the client. The headers are a flat list of lower-case names and values. */
export interface ResponseHead {
  status: number;
  readonly headers: OutgoingHttpHeader[];
  /** False for a refusal, and for another response of the gateway itself. */
  readonly isFromService: boolean;
}

/** A response that the gateway sends without a request to a service. */
export interface LocalResponse {
  readonly status: number;
  readonly headers: readonly string[];
}

/** A compiled filter of one route. Each member is present only where the filter uses it. */
export interface Filter {
  /** Runs before an instance is selected. `responseHeaders` are added to the response, wherever it comes from. */
  readonly onRequest?: (request: ClientRequest, responseHeaders: string[]) => LocalResponse | Refusal | undefined;
  /** Changes the request for the service. Runs before each attempt. */
  readonly onUpstreamRequest?: (head: RequestHead, request: ClientRequest) => void;
  /** Changes the response for the client. Runs before the response begins. */
  readonly onResponse?: (head: ResponseHead, request: ClientRequest) => void;
  /** Returns whether pages of an origin may send requests that change something. */
  readonly allowsOrigin?: (origin: string) => boolean;
  /** The largest request body that is forwarded. */
  readonly bodyLimitBytes?: number;
}

/** The filters of one route, sorted when the route is loaded. */
export interface FilterChain {
  readonly onRequest: readonly NonNullable<Filter['onRequest']>[];
  readonly onUpstreamRequest: readonly NonNullable<Filter['onUpstreamRequest']>[];
  readonly onResponse: readonly NonNullable<Filter['onResponse']>[];
  readonly allowsOrigin: readonly NonNullable<Filter['allowsOrigin']>[];
  readonly bodyLimitBytes: number | undefined;
}

/** Returns undefined for no filters, so that a route without filters costs nothing here. */
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
