/** What is left of a body when its response is sent before it came. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { guarded } from './connection-guard.ts';
import { closeLingering } from './lingering-close.ts';

/** For how long a client may go on to send what is dropped, from when its response is the next one on the connection. */
const DROP_MILLIS = 1_000;

/**
 * Reads the rest of a body and drops it. A system resets a connection that is closed with unread data, and the client loses
 * the response. Responses to earlier requests on the connection take their own time.
 */
export function dropBody(request: IncomingMessage, response: ServerResponse): void {
  if (request.complete || request.destroyed) return;
  request.resume();
  const { socket } = request;
  let timer: NodeJS.Timeout | undefined;
  const begin = guarded(socket, () => {
    timer = setTimeout(
      guarded(socket, () => closeLingering(socket)),
      DROP_MILLIS,
    );
  });
  const stop = guarded(socket, () => {
    clearTimeout(timer);
    response.off('socket', begin);
  });
  // Node gives a response the connection when it is the next one.
  if (response.socket) begin();
  else response.once('socket', begin);
  request.once('end', stop).once('close', stop);
}

/** Drops the rest of the body of a request that is rejected. Fastify would close the connection instead. */
export function dropUnreadBody({ raw }: FastifyRequest, reply: FastifyReply): void {
  // Undefined for a request that came over no connection.
  if (raw.complete !== false || raw.destroyed) return;
  reply.removeHeader('connection');
  dropBody(raw, reply.raw);
}
