/**
 * Keeps responses in the order of their requests when Node hands a connection over. For `connect` Node removes its own
 * listeners, even if responses to earlier requests are still pending.
 */
import { type Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import { guarded, ignoreError } from './connection-guard.ts';
import { lingerOnClose } from './lingering-close.ts';

type Listener = (...args: unknown[]) => void;

/** Node's listeners for pending responses: `drain` continues them, `close` ends the waiting ones. */
type NodeListeners = Readonly<Record<'drain' | 'close', readonly Listener[]>>;

const listenersOf = new WeakMap<Socket, NodeListeners>();

function rememberListeners(socket: Socket): void {
  const of = (event: string) => socket.listeners(event) as Listener[];
  listenersOf.set(socket, { drain: of('drain'), close: of('close') });
}

/** Prepares a newly accepted connection of an HTTP server. */
export function prepareConnection(socket: Socket): void {
  rememberListeners(socket);
  lingerOnClose(socket);
}

/** Prepares each connection of a server. */
export function rememberConnections(server: Server): void {
  server.on(
    server instanceof TlsServer ? 'secureConnection' : 'connection',
    guarded((socket: Socket) => socket, prepareConnection),
  );
}

/**
 * Returns the next response that is due on a connection. Node keeps it under this name and has no public API for it.
 */
export const responseDue = (socket: Socket): ServerResponse | undefined =>
  '_httpMessage' in socket && socket._httpMessage instanceof ServerResponse ? socket._httpMessage : undefined;

/**
 * Calls back when no response is due on a connection that Node has handed over, immediately if there is none. `isRead`
 * means that Node still reads a body there and later removes its listeners.
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
      // Adding it twice is harmless.
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

/** Marks a connection on which no more requests are read, because a response has ended it or will. */
export function markEnding(socket: Socket): void {
  ending.add(socket);
}

export const isEnding = (socket: Socket): boolean => ending.has(socket);
