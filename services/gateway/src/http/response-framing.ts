/** How the body of a response ends (RFC 9112, 6.3) when its status is not the one that the service sent. */
import type { OutgoingHttpHeader } from 'node:http';
import { removeHeader, setHeaders } from './header-list.ts';

export interface ResponseStatus {
  readonly method: string | undefined;
  /** What the service sent. */
  readonly received: number;
  /** What the client is sent. */
  readonly sent: number;
}

/** Nothing follows the head of such a response, whatever that says. */
const hasNoBody = (status: number): boolean => status < 200 || status === 204 || status === 304;

/**
 * Changes a flat list of headers, so that it names the length of the body that is sent. A client would take the next
 * response on the connection for the body otherwise, or the body for the next response. Returns whether the body of the
 * service is to be sent.
 */
export function frameResponse(headers: OutgoingHttpHeader[], { method, received, sent }: ResponseStatus): boolean {
  if (received === sent && sent !== 204 && sent !== 205) return true;
  if (sent === 205) {
    setHeaders(headers, ['content-length', '0']);
    return false;
  }
  if (hasNoBody(sent)) {
    removeHeader(headers, 'content-length');
    return false;
  }
  if (!hasNoBody(received)) return true;
  if (method === 'HEAD') removeHeader(headers, 'content-length');
  else setHeaders(headers, ['content-length', '0']);
  return false;
}
