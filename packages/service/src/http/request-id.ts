/** The id of a request, for its log and its response. */
import type { IncomingMessage } from 'node:http';
import { randomId } from '../observability/random.ts';

const REQUEST_ID = /^[\w.-]{1,64}$/;

/** Returns the request's own id if it is valid; otherwise a new one. */
export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomId();
}
