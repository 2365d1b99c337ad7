import type { Bus } from '@daybook/messaging';
import type { Environment } from '../config/read-configuration.ts';
import type { Logger } from '../observability/logger.ts';
import type { Clock } from './clock.ts';

/** What a process gives to a service that runs in it. What the service's own configuration names goes first. */
export interface HostProcess {
  readonly environment: Environment;
  readonly logger: Logger;
  /** The Eureka servers where the configuration names none. */
  readonly registryUrls: readonly string[];
  /** The bus where the configuration names no broker. */
  readonly bus: Bus;
  /** Whether this process hands over what is in the outboxes: all consumers are on that bus. A process with one service leaves its outbox to the process that has them. */
  readonly relaysEvents: boolean;
  /** How often callers look for changes in the registry. */
  readonly fetchIntervalMillis: number;
  readonly clock: Clock;
}

/** A service that is listening. */
export interface RunningService {
  readonly name: string;
  readonly url: string;
  /**
   * Resolves when everything is there that the service needs and the registry knows of it. Until then it answers, and
   * says that it is not ready. Rejects when it can never be ready, with a StartFailure, and when it is closed before.
   */
  readonly ready: Promise<void>;
  /**
   * Leaves: DOWN in the registry, until its callers know; then no new requests, the running ones to their end, and
   * everything closed. `callersAreGone` skips the wait.
   */
  close(options?: { callersAreGone?: boolean }): Promise<void>;
}

/** Every service's `main.ts` exports one of these. */
export type StartService = (host: HostProcess) => Promise<RunningService>;
