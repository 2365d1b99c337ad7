/** From an application to a running service, and back. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createEurekaClient, type EurekaClient } from '@daybook/discovery';
import type { App } from './app.ts';
import type { ListenOn } from './common-config.ts';
import type { HostProcess, RunningService } from './host-process.ts';
import type { Logger } from './logger.ts';
import { EXIT, StartFailure } from './start-failure.ts';
import { VERSION } from './version.ts';

/** Requests that are still running after this are cut off. */
const DRAIN_DEADLINE_MILLIS = 10_000;
const CLOSE_IDLE_MILLIS = 50;

/** The registry as a service sees it: who is where, and its own place in it. */
export function joinRegistry(host: HostProcess, eurekaUrl: string | undefined): EurekaClient {
  const servers = eurekaUrl?.split(',') ?? [...host.registryUrls];
  return createEurekaClient({
    servers,
    logger: host.logger,
    fetchIntervalMillis: host.fetchIntervalMillis,
    renewalIntervalMillis: RENEWAL_INTERVAL_MILLIS,
  });
}
const RENEWAL_INTERVAL_MILLIS = 10_000;

/** @throws StartFailure 69 when the port cannot be had */
export async function listen(app: App, host: string, port: number, variable: string): Promise<string> {
  try {
    return await app.listen({ host, port });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EADDRINUSE') {
      throw new StartFailure(EXIT.unavailable, `Port ${port} is taken. Stop what uses it, or set ${variable}.`, {
        cause: error,
      });
    }
    if (code === 'EADDRNOTAVAIL' || code === 'EACCES' || code === 'ENOTFOUND') {
      throw new StartFailure(EXIT.unavailable, `Cannot listen on ${host}, port ${port} (${code}).`, { cause: error });
    }
    throw error;
  }
}

/** Lets running requests end, for a while. */
export async function drain(app: App, logger: Logger, deadlineMillis = DRAIN_DEADLINE_MILLIS): Promise<void> {
  // A connection that is busy now becomes idle when its request ends, and would then be kept for the next one.
  const closeIdle = setInterval(() => app.server.closeIdleConnections(), CLOSE_IDLE_MILLIS);
  const cut = setTimeout(() => {
    logger.warn('cut off requests that did not end');
    app.server.closeAllConnections();
  }, deadlineMillis);
  try {
    await app.close();
  } finally {
    clearTimeout(cut);
    clearInterval(closeIdle);
  }
}

export interface ServeOptions {
  name: string;
  app: App;
  host: HostProcess;
  registry: EurekaClient;
  listenOn: ListenOn;
  /** What the service stands on; closed last, in reverse order. */
  parts: AsyncDisposableStack;
}

/** Listens, then tells the registry. */
export async function serve({ name, app, host, registry, listenOn, parts }: ServeOptions): Promise<RunningService> {
  await using starting = parts;
  starting.defer(() => drain(app, host.logger));
  const { advertisedHost, preferences, secure = false } = listenOn;
  const listening = await listen(app, listenOn.host, listenOn.port, listenOn.variable);
  // Fastify does not know what kind of server it was given.
  const url = secure ? listening.replace(/^http:/, 'https:') : listening;
  await registry.start();
  starting.defer(() => registry.close());
  const { port } = new URL(url);
  await registry.register({
    instanceId: `${advertisedHost}:${name}:${port}`,
    serviceId: name,
    hostName: advertisedHost,
    ipAddr: advertisedHost,
    port: Number(port),
    secure,
    metadata: { version: VERSION, ...preferences },
  });
  const running = starting.move();
  return {
    name,
    url,
    async close({ callersAreGone = false } = {}) {
      if (!callersAreGone) {
        await registry.setStatus('DOWN');
        await sleep(2 * host.fetchIntervalMillis);
      }
      await running.disposeAsync();
    },
  };
}
