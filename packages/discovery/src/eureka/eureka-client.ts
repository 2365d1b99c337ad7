/** Looks up instances in a registry that speaks Eureka's protocol, and registers this process in it. */

import { createLoop, type Loop, systemTimers, type Timers } from '@daybook/async';
import type { Logger } from 'pino';
import { createDialRules, type DialRules } from '../dial-rules.ts';
import type { Discovery, Instance } from '../discovery.ts';
import { codeOf } from '../log.ts';
import { createOutageLog, type OutageLog } from '../outage-log.ts';
import { type ChangeStream, createChangeStream } from './change-stream.ts';
import type { LocalInstance, LocalStatus } from './eureka-instance.ts';
import { InstanceList } from './instance-list.ts';
import { createRegistration, type Registration } from './registration.ts';
import { createRegistryConnection, type RegistryConnection } from './registry-connection.ts';
import { RegistryReader } from './registry-reader.ts';

export interface EurekaClientOptions {
  /** Base URLs such as `http://127.0.0.1:8761/eureka`, tried in order. */
  servers: readonly string[];
  logger: Logger;
  /** How often the list is fetched. Less often while the registry streams changes. */
  fetchIntervalMillis?: number;
  renewalIntervalMillis?: number;
  requestTimeoutMillis?: number;
  timers?: Timers;
  /** The only networks in which instances may be dialed, as addresses or `10.0.0.0/8`; see `createDialRules`. */
  dialNetworks?: readonly string[] | undefined;
}

/**
 * A client that tolerates an unreachable registry. `start`, `register` and `setStatus` resolve anyway, failed calls are
 * repeated in the background, and known instances stay known.
 */
export interface EurekaClient extends Discovery {
  /** Fetches the list and keeps refreshing it. */
  start(): Promise<void>;
  /** Registers this process and keeps renewing its lease. Can be called once per client. */
  register(instance: LocalInstance): Promise<void>;
  setStatus(status: LocalStatus): Promise<void>;
  /** Returns whether the registry has accepted this process in its current state. */
  isRegistered(): boolean;
  /** Sends DOWN, then DELETE, within a deadline. Never throws. */
  close(): Promise<void>;
}

/**
 * How much less often the list is fetched while changes are streamed. The interval stays within the reach of a delta.
 */
const SLOWED = 10;
const LONGEST_SLOWED_MILLIS = 60_000;

export function createEurekaClient(options: EurekaClientOptions): EurekaClient {
  return new Client(options);
}

class Client implements EurekaClient {
  readonly #logger: Logger;
  readonly #requestTimeoutMillis: number;
  readonly #fetchIntervalMillis: number;
  readonly dialRules: DialRules;
  readonly #list: InstanceList;
  readonly #closing = new AbortController();
  readonly #connection: RegistryConnection;
  readonly #registration: Registration;
  readonly #reader: RegistryReader;
  readonly #stream: ChangeStream;
  readonly #fetching: Loop;
  readonly #outage: OutageLog;
  #started = false;
  /** Whether the last attempt to read the registry failed. */
  #isUnreachable = false;
  #refreshing: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor({
    servers,
    logger,
    fetchIntervalMillis = 30_000,
    renewalIntervalMillis = 30_000,
    requestTimeoutMillis = 3_000,
    timers = systemTimers,
    dialNetworks,
  }: EurekaClientOptions) {
    this.dialRules = createDialRules(dialNetworks);
    this.#list = new InstanceList(this.dialRules);
    this.#logger = logger;
    this.#requestTimeoutMillis = requestTimeoutMillis;
    this.#fetchIntervalMillis = fetchIntervalMillis;
    const connection = createRegistryConnection(servers, requestTimeoutMillis);
    this.#connection = connection;
    this.#registration = createRegistration({ connection, logger, renewalIntervalMillis, timers });
    this.#reader = new RegistryReader({
      connection,
      list: this.#list,
      logger,
      timers,
      signal: this.#closing.signal,
      onDoubt: () => void this.#fetching.runNow(),
    });
    this.#stream = createChangeStream({
      connection,
      logger,
      timers,
      onLive: () => this.#onStreamLive(),
      onChange: (streamed) => this.#reader.apply(streamed),
      onMalformed: () => this.#reader.doubt(),
      onLost: () => this.#onStreamLost(),
    });
    this.#fetching = createLoop({
      run: () => this.#tryRefresh(),
      intervalMillis: () => this.#intervalMillis,
      timers,
    });
    this.#outage = createOutageLog(logger, {
      lost: 'registry unreachable; cached instances used',
      restored: 'registry reached again',
    });
  }

  instancesOf(serviceId: string): readonly Instance[] {
    return this.#list.instancesOf(serviceId);
  }

  refresh(): Promise<void> {
    this.#refreshing ??= this.#fetchOnce().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  start(): Promise<void> {
    this.#started = true;
    return this.#fetching.runNow();
  }

  register(instance: LocalInstance): Promise<void> {
    return this.#registration.register(instance);
  }

  setStatus(status: LocalStatus): Promise<void> {
    return this.#registration.setStatus(status);
  }

  isRegistered(): boolean {
    return this.#registration.isCurrent();
  }

  close(): Promise<void> {
    this.#closed ??= this.#closeOnce();
    return this.#closed;
  }

  get #intervalMillis(): number {
    const usual = this.#fetchIntervalMillis;
    return this.#stream.isLive() ? Math.max(usual, Math.min(SLOWED * usual, LONGEST_SLOWED_MILLIS)) : usual;
  }

  async #fetchOnce(): Promise<void> {
    try {
      const server = await this.#reader.update();
      if (this.#started && !this.#closing.signal.aborted) this.#stream.follow(server, this.#isUnreachable);
    } catch (error) {
      if (!this.#closing.signal.aborted) this.#outage.failed(error instanceof Error ? error.message : codeOf(error));
      this.#isUnreachable = true;
      throw error;
    }
    this.#outage.recovered();
    // The registry may have restarted without its instances, so register again before the next renewal.
    if (this.#isUnreachable) this.#registration.renewSoon();
    this.#isUnreachable = false;
  }

  async #tryRefresh(): Promise<boolean> {
    try {
      await this.refresh();
      return true;
    } catch (error) {
      this.#logger.debug({ code: codeOf(error) }, 'registry fetch failed');
      return false;
    }
  }

  /** Fetches the list once more, because it holds the changes that were missed without a stream. */
  #onStreamLive(): void {
    this.#registration.renewSoon();
    void this.#fetching.runNow();
  }

  #onStreamLost(): void {
    this.#reader.registryWasAway();
    void this.#fetching.runNow();
  }

  async #closeOnce(): Promise<void> {
    this.#closing.abort();
    this.#stream.close();
    this.#reader.close();
    await this.#fetching.stop();
    await this.#registration.deregister(AbortSignal.timeout(this.#requestTimeoutMillis));
    await this.#connection.close();
  }
}
