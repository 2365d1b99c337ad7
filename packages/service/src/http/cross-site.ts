/**
 * Requests that a page of another site makes a browser send, with whatever lets the user in here. Browsers say so: in
 * Sec-Fetch-Site, and in the Origin of every request that is not a plain GET. Programs send neither.
 */
import type { IncomingMessage } from 'node:http';
import { Refusal } from '@daybook/contracts';

export interface SentFrom {
  readonly headers: IncomingMessage['headers'];
}

const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS'];

/** Whether a method changes nothing. */
export const isSafeMethod = (method: string | undefined): boolean => SAFE_METHODS.includes(method ?? 'GET');

/**
 * Whether a page of another origin sends a request. Each origin of a machine is one: `localhost:3000` is not `localhost:8080`.
 * @param publicOrigin the origin that people use, where a proxy in front sends another Host
 */
export function isCrossSite({ headers }: SentFrom, publicOrigin?: string): boolean {
  const { origin, host } = headers;
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  if (origin === undefined || origin === publicOrigin) return false;
  // A page whose policy is `no-referrer`, as ours is, sends no other Origin to its own site. Sandboxed pages are cross-site.
  if (origin === 'null' && site === 'same-origin') return false;
  // A proxy in front may have ended TLS.
  return host === undefined || (origin !== `http://${host}` && origin !== `https://${host}`);
}

export const crossSite = (): Refusal =>
  new Refusal('cross-site-request', 'Pages of other sites cannot send this request.');
