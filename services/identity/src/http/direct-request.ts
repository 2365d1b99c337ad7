/** Recognizes requests that a browser of this machine sent to the gateway itself. */
import { isLoopbackHost } from '@daybook/service';
import type { FastifyRequest } from 'fastify';

/** The gateway adds it, and removes it from what clients send. `services/gateway/src/http/forwarded.ts` has the rules. */
const DIRECT_HEADER = 'x-daybook-direct';

/**
 * Returns whether the gateway vouches that no proxy forwarded a request, and that its client and its address are of this
 * machine. A request that comes another way has no such mark.
 */
export function isDirect({ raw: { headers } }: Pick<FastifyRequest, 'raw'>): boolean {
  const { forwarded, 'x-forwarded-for': client, 'x-forwarded-host': host } = headers;
  if (headers[DIRECT_HEADER] !== '1' || forwarded !== undefined) return false;
  if (typeof client !== 'string' || typeof host !== 'string') return false;
  const hostname = URL.parse(`http://${host}`)?.hostname ?? '';
  return isLoopbackHost(client.replace(/^::ffff:/, '')) && isLoopbackHost(hostname);
}
