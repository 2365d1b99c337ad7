/** Decides how the body of a response ends (RFC 9112, 6.3) when a filter changed the status. */
import type { OutgoingHttpHeader } from 'node:http';
import { removeHeader, setHeaders } from './header-list.ts';

export interface ResponseStatus {
  readonly method: string | undefined;
  /** The status from the service. */
  readonly received: number;
  /** The status for the client. */
  readonly sent: number;
}

/** Returns whether a response has no body, whatever its head states. */
const hasNoBody = (status: number): boolean => status < 200 || status === 204 || status === 304;

/**
 * Sets the length of the body that is sent, in a flat list of headers. Otherwise a client would confuse the body with
 * the next response on the connection. Returns whether to send the body of the service.
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
