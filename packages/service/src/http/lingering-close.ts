/**
 * Closes connections so that the client receives the last response (RFC 9112, section 9.6). A system resets a
 * connection that is closed with unread bytes, and the client loses unread data.
 */
import type { Socket } from 'node:net';
import { guarded } from './connection-guard.ts';

/** How long the other side may take to read the response and close its half. */
const LINGER_MILLIS = 3_000;

const lingering = new WeakSet<Socket>();

/** Returns whether a connection sends nothing more and drops what it receives. */
export const isLingering = (socket: Socket): boolean => lingering.has(socket);

/**
 * Sends the last bytes, then reads and drops further data. Closes the connection when the other side does, or after a
 * timeout.
 */
export function closeLingering(socket: Socket, last = ''): void {
  if (isLingering(socket) || socket.destroyed) return;
  lingering.add(socket);
  socket.end(last);
  // Further bytes are not a request. Node leaves the connection to the first listener that is not its own.
  socket
    .removeAllListeners('data')
    .on(
      'data',
      guarded(socket, () => undefined),
    )
    .resume();
  // An HTTP server lets the other side keep its half open. The server's timeouts no longer apply to this socket.
  const timer = setTimeout(() => socket.destroy(), LINGER_MILLIS).unref();
  socket.once(
    'close',
    guarded(socket, () => clearTimeout(timer)),
  );
}

/** Makes Node close a connection this way after its last response. */
export function lingerOnClose(socket: Socket): void {
  socket.destroySoon = () => closeLingering(socket);
}
