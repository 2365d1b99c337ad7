/**
 * Checks requests that a browser authenticates by its cookie. A browser sends the cookie with what pages of other sites
 * request, too, so such a request has to prove that a page of this site sent it.
 */
import { Refusal } from '@daybook/contracts';
import { isCrossSite, isSafeMethod } from '@daybook/service';
import type { ClientRequest } from '../http/client-exchange.ts';

/**
 * Any value will do: no form can add a header, and a page of another site needs a permission to add one (CORS).
 */
export const CUSTOM_HEADER = 'x-requested-with';

/** Returns whether the browser states that a page of this site sent the request. */
export function isSameOrigin(request: ClientRequest, publicOrigin: string): boolean {
  const { origin, 'sec-fetch-site': site } = request.headers;
  if (isCrossSite(request, publicOrigin)) return false;
  return site === undefined ? origin !== undefined : site === 'same-origin';
}

export const notSameOrigin = (): Refusal =>
  new Refusal('cross-site-request', 'A signed-in browser can send this from pages of this site only.');

const withoutCustomHeader = (): Refusal =>
  new Refusal('cross-site-request', 'Send the header X-Requested-With, with any value.');

/** Returns the refusal of a request that a cookie authenticates; undefined when its origin is proven, or not needed. */
export function siteRefusalOf(request: ClientRequest, publicOrigin: string, isUpgrade: boolean): Refusal | undefined {
  if (!isUpgrade && isSafeMethod(request.method)) return undefined;
  if (!isSameOrigin(request, publicOrigin)) return notSameOrigin();
  // Scripts cannot add headers to the handshake of a WebSocket.
  return isUpgrade || request.headers[CUSTOM_HEADER] !== undefined ? undefined : withoutCustomHeader();
}
