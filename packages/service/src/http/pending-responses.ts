/**
 * Keeps responses in the order of their requests where Node hands a connection over: for `connect` it removes its own
 * listeners, although responses to earlier requests may still be pending.
 */
import { type Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import { lingerOnClose } from '../lingering-close.ts';
import { guarded, ignoreError } from './connection-guard.ts';

type Listener = (...args: unknown[]) => void;

/** What Node listens to for pending responses: `drain` continues them, `close` ends those that wait. */
type NodeListeners = Readonly<Record<'drain' | 'close', readonly Listener[]>>;

const listenersOf = new WeakMap<Socket, NodeListeners>();

function rememberListeners(socket: Socket): void {
  const of = (event: string) => socket.listeners(event) as Listener[];
  listenersOf.set(socket, { drain: of('drain'), close: of('close') });
}

/** Prepares a connection that an HTTP server has just accepted. */
export function prepareConnection(socket: Socket): void {
  rememberListeners(socket);
  lingerOnClose(socket);
}

/** Does so for each connection of a server. */
export function rememberConnections(server: Server): void {
  server.on(
    server instanceof TlsServer ? 'secureConnection' : 'connection',
    guarded((socket: Socket) => socket, prepareConnection),
  );
}

/** Returns the response that is due next on a connection; Node keeps it under this name, and has no public way to read it. */
export const responseDue = (socket: Socket): ServerResponse | undefined =>
  '_httpMessage' in socket && socket._httpMessage instanceof ServerResponse ? socket._httpMessage : undefined;

/**
 * Calls back when no response is due on a connection that Node has handed over, at once if there is none. `isRead`: Node still
 * reads a body there, and removes its listeners at the end of that.
 */
export function afterPendingResponses(socket: Socket, isRead: boolean, done: () => void): void {
  socket.on('error', ignoreError);
  if (responseDue(socket)) restoreListeners(socket, isRead);
  waitForResponses(socket, done);
}

function restoreListeners(socket: Socket, isRead: boolean): void {
  for (const [event, listeners] of Object.entries(listenersOf.get(socket) ?? {})) {
    const present = new Set(socket.listeners(event));
    for (const listener of listeners) {
      // More than once does no harm.
      if (isRead || !present.has(listener)) socket.on(event, guarded(socket, listener));
    }
  }
}

function waitForResponses(socket: Socket, done: () => void): void {
  const due = responseDue(socket);
  if (due)
    due.once(
      'close',
      guarded(socket, () => waitForResponses(socket, done)),
    );
  else done();
}

const ending = new WeakSet<Socket>();

/** Marks a connection on which nothing more is read as a request: a response has ended it, or will. */
export function markEnding(socket: Socket): void {
  ending.add(socket);
}

export const isEnding = (socket: Socket): boolean => ending.has(socket);
