/** The id of a request, in its log and its response. */
import type { IncomingMessage } from 'node:http';
import { randomId } from '../observability/random.ts';

const REQUEST_ID = /^[\w.-]{1,64}$/;

/** The id that the request brings, if it is one; a new one otherwise. */
export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomId();
}
