/**
 * Separates what operators read from the API: metrics, versions, routes. They have their own port if one is configured.
 * Otherwise only programs on the same machine may read them, and not through a proxy.
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
    /** Whether a route is for operators `only`, or for them `too`. The operations port serves no other routes. */
    operations?: 'only' | 'too';
  }
}

const REQUEST_TIMEOUT_MILLIS = 30_000;
/** A few programs poll it every few seconds. */
const MAX_CONNECTIONS = 100;
const LOOPBACK = /^(?:::ffff:)?127\.|^::1$/;

/** Headers that proxies add. A proxied request arrives over loopback, but comes from another machine. */
const OF_PROXIES = /^(?:forwarded|via|x-real-ip|x-forwarded-.*)$/;

const isLocal = ({ socket, headers }: IncomingMessage): boolean =>
  LOOPBACK.test(socket.remoteAddress ?? '') && !Object.keys(headers).some((name) => OF_PROXIES.test(name));

/** The servers of applications with an operations port. */
const separated = new WeakSet<object>();
/** The connections to operations ports. */
const connections = new WeakSet<object>();

/** Returns whether a request came to an operations port. */
export const isForOperators = ({ socket }: IncomingMessage): boolean => connections.has(socket);

/** Returns whether a request may use routes that are for operators only. */
export const isOperator = ({ server }: Pick<App, 'server'>, request: IncomingMessage): boolean =>
  isForOperators(request) || (!separated.has(server) && isLocal(request));

/** Keeps operators' routes from all other callers, and all other routes from the operations port. */
export function separateOperations(app: App): void {
  app.addHook('onRequest', async ({ raw, routeOptions: { config } }) => {
    const isServed = isForOperators(raw)
      ? config?.operations !== undefined
      : config?.operations !== 'only' || isOperator(app, raw);
    if (!isServed) throw new Refusal('not-found', 'There is nothing at this address.');
  });
}

/** An open port. */
export interface OperationsPort {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Opens the operations port of an application. Afterwards its other port serves no route that is for operators only.
 */
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
  // Rejects when the port is in use.
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
