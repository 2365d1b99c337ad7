/**
 * What operators read and callers of the API must not: metrics, versions, routes. It has a port of its own where one is
 * configured; without one, only programs on the same machine read it, and not through a proxy.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Refusal } from '@daybook/contracts';
import type { App } from './app-type.ts';
import { handleClientError, rejectConnect, rejectExpectation } from './client-errors.ts';
import { guarded, socketOf } from './connection-guard.ts';
import { rememberConnections } from './pending-responses.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether a route is for operators `only`, or for them `too`. Their port serves no other route. */
    operations?: 'only' | 'too';
  }
}

const REQUEST_TIMEOUT_MILLIS = 30_000;
/** A few programs read it, each every few seconds. */
const MAX_CONNECTIONS = 100;
const LOOPBACK = /^(?:::ffff:)?127\.|^::1$/;

/** What proxies add to a request. One from a proxy on this machine comes over loopback, and from another machine. */
const OF_PROXIES = /^(?:forwarded|via|x-real-ip|x-forwarded-.*)$/;

const isLocal = ({ socket, headers }: IncomingMessage): boolean =>
  LOOPBACK.test(socket.remoteAddress ?? '') && !Object.keys(headers).some((name) => OF_PROXIES.test(name));

/** The servers of the applications that have an operations port. */
const separated = new WeakSet<object>();
/** The connections to operations ports. */
const connections = new WeakSet<object>();

/** Whether a request came to an operations port. */
export const isForOperators = ({ socket }: IncomingMessage): boolean => connections.has(socket);

/** Whether a request is served what is for operators only. */
export const isOperator = ({ server }: Pick<App, 'server'>, request: IncomingMessage): boolean =>
  isForOperators(request) || (!separated.has(server) && isLocal(request));

/** Keeps the routes for operators from all others, and all other routes from the operations port. */
export function separateOperations(app: App): void {
  app.addHook('onRequest', async ({ raw, routeOptions: { config } }) => {
    const isServed = isForOperators(raw)
      ? config?.operations !== undefined
      : config?.operations !== 'only' || isOperator(app, raw);
    if (!isServed) throw new Refusal('not-found', 'There is nothing at this address.');
  });
}

/** A port that is open. */
export interface OperationsPort {
  readonly url: string;
  close(): Promise<void>;
}

/** Opens the operations port of an application; its other port serves nothing that is for operators only from then on. */
export async function openOperationsPort(app: App, host: string, port: number): Promise<OperationsPort> {
  const options = { requireHostHeader: false, requestTimeout: REQUEST_TIMEOUT_MILLIS };
  const server = createServer(
    options,
    guarded(socketOf, (request: IncomingMessage, response: ServerResponse) => void app.routing(request, response)),
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.on(
    'connection',
    guarded(
      (socket: Socket) => socket,
      (socket: Socket) => void connections.add(socket),
    ),
  );
  rememberConnections(server);
  server.on('checkExpectation', guarded(socketOf, rejectExpectation));
  server.on('connect', guarded(socketOf, rejectConnect));
  server.on(
    'clientError',
    guarded((_error: Error, socket: Socket) => socket, handleClientError),
  );
  // Rejects with the error of a port that is taken.
  await once(server.listen({ host, port }), 'listening');
  separated.add(app.server);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the operations port has no number');
  return {
    url: `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`,
    async close() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      await closed.promise;
    },
  };
}
