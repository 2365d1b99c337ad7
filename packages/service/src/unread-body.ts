/** What is left of a body when its response is sent before it came. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { guarded } from './connection-guard.ts';

/** For how long a client may go on to send what is dropped. */
const DROP_MILLIS = 1_000;

/**
 * Reads the rest of a body and drops it. Fastify would close the connection instead, and the client would lose the response
 * with it: a system that closes a connection with unread data resets it.
 */
export function dropUnreadBody({ raw }: FastifyRequest, reply: FastifyReply): void {
  // Undefined for a request that came over no connection.
  if (raw.complete !== false || raw.destroyed) return;
  reply.removeHeader('connection');
  raw.resume();
  const timer = setTimeout(() => raw.socket.destroy(), DROP_MILLIS);
  const stop = guarded(raw.socket, () => clearTimeout(timer));
  raw.once('end', stop).once('close', stop);
}
