/** Handles the rest of a body whose response is sent first. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { guarded } from './connection-guard.ts';
import { closeLingering } from './lingering-close.ts';

/** How long a client may keep sending a dropped body, counted from when its response is next on the connection. */
const DROP_MILLIS = 1_000;

/**
 * Reads the rest of a body and drops it. A system resets a connection that is closed with unread data, and the client
 * loses the response. The time does not include responses to earlier requests on the connection.
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
  // Node assigns the connection to a response when it is the next one.
  if (response.socket) begin();
  else response.once('socket', begin);
  request.once('end', stop).once('close', stop);
}

/** Drops the rest of the body of a rejected request. Fastify would close the connection instead. */
export function dropUnreadBody({ raw }: FastifyRequest, reply: FastifyReply): void {
  // Undefined for a request without a connection.
  if (raw.complete !== false || raw.destroyed) return;
  reply.removeHeader('connection');
  dropBody(raw, reply.raw);
}
