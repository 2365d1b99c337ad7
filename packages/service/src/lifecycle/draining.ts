/** Between the word to end and the end: callers hear that they are to go elsewhere, and are still answered. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { App } from '../http/app-type.ts';
import { guarded, socketOf } from '../http/connection-guard.ts';

const listenersOfApps = new WeakMap<object, (() => void)[]>();

/** Calls back when the application is about to leave, a moment before it takes no more requests. */
export function onDraining(app: App, listener: () => void): void {
  const listeners = listenersOfApps.get(app.server);
  if (listeners) listeners.push(listener);
  else listenersOfApps.set(app.server, [listener]);
}

/**
 * From now on each answer is the last one on its connection. Who keeps connections makes new ones, to others; one that is cut
 * when it is idle could be one on which a request is just on its way.
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
