/**
 * Detects requests that a page of another site makes a browser send with the user's credentials. Browsers reveal them
 * by Sec-Fetch-Site, and by Origin on every request except a plain GET. Other programs send neither header.
 */
import type { IncomingMessage } from 'node:http';
import { Refusal } from '@daybook/contracts';

export interface SentFrom {
  readonly headers: IncomingMessage['headers'];
}

const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS'];

/** Returns whether a method changes nothing. */
export const isSafeMethod = (method: string | undefined): boolean => SAFE_METHODS.includes(method ?? 'GET');

/**
 * Returns whether a page of another origin sent a request. Each port of a machine is an origin: `localhost:3000`
 * differs from `localhost:8080`.
 * @param publicOrigin the public origin, for a proxy in front that sends another Host
 */
export function isCrossSite({ headers }: SentFrom, publicOrigin?: string): boolean {
  const { origin, host } = headers;
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  if (origin === undefined || origin === publicOrigin) return false;
  // A page with the policy `no-referrer`, like ours, sends no other Origin to its own site. Sandboxed pages are
  // cross-site.
  if (origin === 'null' && site === 'same-origin') return false;
  // A proxy in front may have terminated TLS.
  return host === undefined || (origin !== `http://${host}` && origin !== `https://${host}`);
}

export const crossSite = (): Refusal =>
  new Refusal('cross-site-request', 'Pages of other sites cannot send this request.');
