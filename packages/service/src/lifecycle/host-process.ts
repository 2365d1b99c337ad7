import type { Bus } from '@daybook/messaging';
import type { Environment } from '../config/read-configuration.ts';
import type { Logger } from '../observability/logger.ts';
import type { Clock } from './clock.ts';

/** What a process provides to a service in it. The service's own configuration takes precedence. */
export interface HostProcess {
  readonly environment: Environment;
  readonly logger: Logger;
  /** The Eureka servers, if the configuration names none. */
  readonly registryUrls: readonly string[];
  /** The bus, if the configuration names no broker. */
  readonly bus: Bus;
  /**
   * Whether this process relays outboxes, because all consumers are on its bus. A process with one service leaves its
   * outbox to the process with the consumers.
   */
  readonly relaysEvents: boolean;
  /**
   * Whether a service registers only after it has prepared what its first requests would wait for. The all-in-one process
   * leaves it out, because its start has to be quick.
   */
  readonly warmsUp?: boolean;
  /** How often callers poll the registry for changes. */
  readonly fetchIntervalMillis: number;
  readonly clock: Clock;
}

/** A listening service. */
export interface RunningService {
  readonly name: string;
  readonly url: string;
  /**
   * Resolves when all dependencies work and the registry knows the service. Until then requests get responses, and
   * health reports that it is not ready. Rejects with a StartFailure when it can never be ready, and when it is closed
   * first.
   */
  readonly ready: Promise<void>;
  /**
   * Shuts down. Registers as DOWN until its callers know, then rejects new requests, finishes the running ones and
   * closes everything. `callersAreGone` skips the wait.
   */
  close(options?: { callersAreGone?: boolean }): Promise<void>;
}

/** The function that every service's `main.ts` exports. */
export type StartService = (host: HostProcess) => Promise<RunningService>;
