/** Runs one request through the filters of its route. */
import type { OutgoingHttpHeader } from 'node:http';
import type { Refusal } from '@daybook/contracts';
import type { ClientRequest } from '../http/client-exchange.ts';
import type { FilterChain, LocalResponse, RequestHead, ResponseHead } from '../routes/filter.ts';

export class FilterRun {
  readonly #chain: FilterChain;
  readonly #request: ClientRequest;
  readonly #responseHeaders: string[] = [];

  constructor(chain: FilterChain, request: ClientRequest) {
    this.#chain = chain;
    this.#request = request;
  }

  /** Returns the first response that a filter sends instead of the service. */
  onRequest(): LocalResponse | Refusal | undefined {
    for (const onRequest of this.#chain.onRequest) {
      const response = onRequest(this.#request, this.#responseHeaders);
      if (response) return response;
    }
    return undefined;
  }

  /** Changes the headers for the service. Returns the path and query for the service. */
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

  /** Changes the headers for the client. Returns the status. */
  onResponse(status: number, headers: OutgoingHttpHeader[], isFromService: boolean): number {
    for (const text of this.#responseHeaders) headers.push(text);
    const head: ResponseHead = { status, headers, isFromService };
    for (const change of this.#chain.onResponse) change(head, this.#request);
    return head.status;
  }
}
