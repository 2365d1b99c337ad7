/** Who is where, from a registry that speaks Eureka's protocol; and this process, made known to it. */
import type { Logger } from 'pino';
import type { Discovery, Instance } from './discovery.ts';
import { type LocalInstance, type LocalStatus, readApplications } from './eureka-instance.ts';
import { codeOf } from './log.ts';
import { createLoop } from './loop.ts';
import { createOutageLog } from './outage-log.ts';
import { createRegistration } from './registration.ts';
import { createRegistryConnection, type RegistryConnection } from './registry-connection.ts';

export interface EurekaClientOptions {
  /** Base URLs such as `http://127.0.0.1:8761/eureka`, tried in order. */
  servers: readonly string[];
  logger: Logger;
  fetchIntervalMillis?: number;
  renewalIntervalMillis?: number;
  requestTimeoutMillis?: number;
}

/**
 * A registry that cannot be reached stops nobody: `start`, `register` and `setStatus` resolve all the same, what could
 * not be done is tried again in the background, and what was known stays known.
 */
export interface EurekaClient extends Discovery {
  /** Fetches the list and keeps it fresh from then on. */
  start(): Promise<void>;
  /** Makes this process known and keeps renewing. Once in the life of a client. */
  register(instance: LocalInstance): Promise<void>;
  setStatus(status: LocalStatus): Promise<void>;
  /** DOWN, then DELETE, within a deadline. Never throws. */
  close(): Promise<void>;
}

export function createEurekaClient({
  servers,
  logger,
  fetchIntervalMillis = 30_000,
  renewalIntervalMillis = 30_000,
  requestTimeoutMillis = 3_000,
}: EurekaClientOptions): EurekaClient {
  const connection = createRegistryConnection(servers, requestTimeoutMillis);
  const registration = createRegistration({ connection, logger, renewalIntervalMillis });
  const outage = createOutageLog(logger, {
    gone: 'the registry cannot be read; what was known of it stays in use',
    back: 'the registry can be read again',
  });
  const closing = new AbortController();
  const fetching = createLoop({ run: tryRefresh, intervalMillis: fetchIntervalMillis });
  let known: ReadonlyMap<string, readonly Instance[]> = new Map();
  let refreshing: Promise<void> | undefined;
  let closed: Promise<void> | undefined;

  async function fetchOnce(): Promise<void> {
    try {
      known = await fetchAll(connection, closing.signal, (count, reason) =>
        logger.warn({ count, reason }, 'left out instances that cannot be read'),
      );
    } catch (error) {
      if (!closing.signal.aborted) outage.failed(error instanceof Error ? error.message : codeOf(error));
      throw error;
    }
    outage.worked();
  }

  function refresh(): Promise<void> {
    refreshing ??= fetchOnce().finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  }

  async function tryRefresh(): Promise<boolean> {
    try {
      await refresh();
      return true;
    } catch (error) {
      logger.debug({ code: codeOf(error) }, 'a fetch from the registry failed');
      return false;
    }
  }

  async function closeOnce(): Promise<void> {
    closing.abort();
    await fetching.stop();
    await registration.leave(AbortSignal.timeout(requestTimeoutMillis));
    await connection.close();
  }

  return {
    instancesOf: (serviceId) => known.get(serviceId.toLowerCase()) ?? [],
    refresh,
    start: () => fetching.runNow(),
    register: (instance) => registration.register(instance),
    setStatus: (status) => registration.setStatus(status),
    close() {
      closed ??= closeOnce();
      return closed;
    },
  };
}

/** The whole list. A delta, applied to what is known, will stand beside this and give the same map. */
async function fetchAll(
  connection: RegistryConnection,
  signal: AbortSignal,
  onUnreadable: (count: number, firstReason: string) => void,
): Promise<ReadonlyMap<string, readonly Instance[]>> {
  const { body } = await connection.call({ method: 'GET', path: 'apps/', accepts: [200], signal });
  const reasons: string[] = [];
  const known = readApplications(body, (reason) => reasons.push(reason));
  const [first] = reasons;
  if (first !== undefined) onUnreadable(reasons.length, first);
  return known;
}
