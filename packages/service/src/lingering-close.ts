/**
 * Closes connections so that the client gets the last response (RFC 9112, section 9.6). A system resets a connection that is
 * closed with unread bytes, and the client loses what it has not read.
 */
import type { Socket } from 'node:net';
import { guarded } from './http/connection-guard.ts';

/** Time for the other side to take the response and to close its half. */
const LINGER_MILLIS = 3_000;

const lingering = new WeakSet<Socket>();

/** Whether nothing more is sent on a connection, and what still comes is dropped. */
export const isLingering = (socket: Socket): boolean => lingering.has(socket);

/** Sends the last bytes, reads and drops what still comes, and closes the connection when the other side does, or in time. */
export function closeLingering(socket: Socket, last = ''): void {
  if (isLingering(socket) || socket.destroyed) return;
  lingering.add(socket);
  socket.end(last);
  // Nothing that comes now is a request. Node leaves the connection to the first listener that is not its own.
  socket
    .removeAllListeners('data')
    .on(
      'data',
      guarded(socket, () => undefined),
    )
    .resume();
  // An HTTP server lets the other side keep its half open, and no timeout of the server's watches this socket any more.
  const timer = setTimeout(() => socket.destroy(), LINGER_MILLIS).unref();
  socket.once(
    'close',
    guarded(socket, () => clearTimeout(timer)),
  );
}

/** Makes Node close a connection in this way after the last response on it. */
export function lingerOnClose(socket: Socket): void {
  socket.destroySoon = () => closeLingering(socket);
}
