/**
 * The draining phase between the shutdown request and the end. Callers learn to use other instances, and their requests
 * still get responses.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { App } from '../http/app-type.ts';
import { guarded, socketOf } from '../http/connection-guard.ts';

const listenersOfApps = new WeakMap<object, (() => void)[]>();

/** Calls back when the application begins to drain, shortly before it stops accepting requests. */
export function onDraining(app: App, listener: () => void): void {
  const listeners = listenersOfApps.get(app.server);
  if (listeners) listeners.push(listener);
  else listenersOfApps.set(app.server, [listener]);
}

/**
 * Makes each further response the last one on its connection. Callers with keep-alive connections then reconnect to
 * other instances. Cutting an idle connection could lose a request in transit.
 */
export function startDraining(app: App): void {
  app.server.prependListener(
    'request',
    guarded(socketOf, (_request: IncomingMessage, response: ServerResponse) => {
      response.shouldKeepAlive = false;
    }),
  );
  for (const listener of listenersOfApps.get(app.server) ?? []) listener();
}
