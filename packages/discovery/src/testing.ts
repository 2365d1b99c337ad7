/** For this package's tests: a real HTTP server with scripted responses, a stopped clock, a logger that can be read. */
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { Timers } from '@daybook/async';
import { type Logger, pino } from 'pino';
import { createDialRules } from './dial-rules.ts';
import type { Discovery, Instance } from './discovery.ts';

export interface TestServer {
  readonly url: string;
  readonly port: number;
  /** Requests, such as `GET /path`, in order of arrival. */
  readonly requests: string[];
  close(): Promise<void>;
}

const running = new Set<TestServer>();

export async function startServer(listener: RequestListener, port = 0): Promise<TestServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    listener(request, response);
  });
  const { promise: listening, resolve } = Promise.withResolvers<void>();
  server.listen(port, '127.0.0.1', resolve);
  await listening;
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the test server has no port');
  const { port: actual } = address;
  const started: TestServer = {
    url: `http://127.0.0.1:${actual}`,
    port: actual,
    requests,
    async close() {
      running.delete(started);
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      await closed.promise;
    },
  };
  running.add(started);
  return started;
}

export async function closeServers(): Promise<void> {
  await Promise.all([...running].map((server) => server.close()));
}

/** Returns an address where nothing listens. */
export async function deadUrl(): Promise<string> {
  const server = await startServer(() => undefined);
  await server.close();
  return server.url;
}

export async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString());
}

export function createTestLogger(): { logger: Logger; lines: string[]; count: (text: string) => number } {
  const lines: string[] = [];
  const logger = pino({ level: 'debug' }, { write: (line: string) => lines.push(line) });
  return { logger, lines, count: (text) => lines.filter((line) => line.includes(text)).length };
}

export interface TestDiscovery extends Discovery {
  instances: Instance[];
  refreshes: number;
  onRefresh: () => Promise<void>;
}

/** Creates a discovery with the instances at these addresses, all of `patient-service`. */
export function createTestDiscovery(urls: readonly string[]): TestDiscovery {
  const discovery: TestDiscovery = {
    instances: urls.map(instanceAt),
    refreshes: 0,
    dialRules: createDialRules(),
    onRefresh: async () => undefined,
    instancesOf: (serviceId) => discovery.instances.filter((instance) => instance.serviceId === serviceId),
    async refresh() {
      discovery.refreshes += 1;
      await discovery.onRefresh();
    },
  };
  return discovery;
}

export const instanceAt = (url: string): Instance => ({
  instanceId: url,
  serviceId: 'patient-service',
  url,
  metadata: {},
});

export interface TestTimers extends Timers {
  /** The number of pending timers. */
  readonly waiting: number;
  /** Advances the clock and runs the due timers in order. */
  advance(millis: number): void;
  /** Advances the clock to the next timer and runs it. */
  advanceToNext(): void;
}

/** Creates a clock that stands still until it is advanced. */
export function createTestTimers(): TestTimers {
  let now = 0;
  let pending: { at: number; run: () => void }[] = [];

  function runNext(until: number): boolean {
    const next = pending.reduce<(typeof pending)[number] | undefined>(
      (first, one) => (one.at <= until && (!first || one.at < first.at) ? one : first),
      undefined,
    );
    if (!next) return false;
    pending = pending.filter((one) => one !== next);
    now = Math.max(now, next.at);
    next.run();
    return true;
  }

  return {
    now: () => now,
    after(millis, run) {
      const timer = { at: now + millis, run };
      pending.push(timer);
      return () => {
        pending = pending.filter((one) => one !== timer);
      };
    },
    get waiting() {
      return pending.length;
    },
    advance(millis) {
      const until = now + millis;
      while (runNext(until));
      now = until;
    },
    advanceToNext: () => void runNext(Number.POSITIVE_INFINITY),
  };
}
