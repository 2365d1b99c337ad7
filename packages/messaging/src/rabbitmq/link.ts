/** A connection to the broker that reconnects after each loss and logs the loss once. */

import { backoffMillis, pause, settlesWithin, withDeadline } from '@daybook/async';
import { type ChannelModel, connect } from 'amqplib';
import type { Logger } from 'pino';
import type { BrokerAddress } from './address.ts';
import { guardConnections } from './guarded-connections.ts';

const CONNECT_DEADLINE_MILLIS = 10_000;
const SET_UP_DEADLINE_MILLIS = 30_000;
const CLOSE_DEADLINE_MILLIS = 2_000;
const RETRY = { firstMillis: 100, longestMillis: 5_000 };

export interface LinkOptions {
  readonly address: BrokerAddress;
  /** Shown in the broker's list of connections. */
  readonly name: string;
  readonly logger: Logger;
  /** Sets up a new connection. The link is up when it resolves. */
  setUp(connection: ChannelModel): Promise<void>;
  /** Called when the connection and its channels are lost, even if `setUp` did not finish. */
  onLost(reason: Error): void;
  /**
   * Called when the broker, short of memory or disk, stops accepting messages on this connection, and when it resumes.
   */
  onBlocked?(isBlocked: boolean): void;
}

export interface Link {
  readonly isUp: boolean;
  /** Resolves when the link is up, now or later. */
  untilUp(): Promise<void>;
  /** Replaces the connection after a fault on it. */
  replace(reason: Error): void;
  close(): Promise<void>;
}

const toError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

async function open({ address, name }: LinkOptions, signal: AbortSignal): Promise<ChannelModel> {
  guardConnections();
  const connection = await connect(address.connect, {
    ...address.tls,
    noDelay: true,
    timeout: CONNECT_DEADLINE_MILLIS,
    clientProperties: { connection_name: name },
  });
  // A 'close' follows each error and is handled. Without this listener an error would end the process.
  connection.on('error', () => undefined);
  if (!signal.aborted) return connection;
  await closeQuietly(connection);
  throw signal.reason;
}

/** Closes the connection, if the other side still responds. */
async function closeQuietly(connection: ChannelModel): Promise<void> {
  // After a failure the connection is closed or cut already, so nothing remains on it.
  await settlesWithin(
    Promise.try(() => connection.close()),
    CLOSE_DEADLINE_MILLIS,
  );
}

/**
 * Waits for `work` while the connection lasts.
 * @throws the reason for the end of the connection
 */
async function unlessEnded<Result>(work: Promise<Result>, ended: Promise<Error>): Promise<Result> {
  const over = ended.then((reason) => {
    throw reason;
  });
  over.catch(() => undefined);
  return Promise.race([work, over]);
}

class ReconnectingLink implements Link {
  readonly #options: LinkOptions;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #replace: ((reason: Error) => void) | undefined;
  #up = Promise.withResolvers<void>();
  #failures = 0;
  /** Whether the loss has been logged. */
  #isLossLogged = false;
  isUp = false;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const reason = await this.#runConnection(signal);
      if (signal.aborted) break;
      this.#failures += 1;
      this.#logLoss(reason);
      await pause(backoffMillis(this.#failures, RETRY), signal);
    }
  }

  /** Runs one connection from setup to end. Resolves with the reason for the end. */
  async #runConnection(signal: AbortSignal): Promise<Error> {
    const ended = Promise.withResolvers<Error>();
    this.#replace = ended.resolve;
    let connection: ChannelModel | undefined;
    let reason: Error;
    try {
      connection = await unlessEnded(open(this.#options, signal), ended.promise);
      this.#listen(connection, ended.resolve);
      const settingUp = withDeadline(
        this.#options.setUp(connection),
        SET_UP_DEADLINE_MILLIS,
        'making a connection ready',
      );
      await unlessEnded(settingUp, ended.promise);
      this.#wentUp();
      reason = await ended.promise;
    } catch (error) {
      reason = toError(error);
    }
    this.#wentDown(reason);
    if (connection) await closeQuietly(connection);
    return reason;
  }

  #listen(connection: ChannelModel, onEnd: (reason: Error) => void): void {
    connection.on('close', (error) => onEnd(error ?? new Error('the connection was closed')));
    connection.on('blocked', () => this.#options.onBlocked?.(true));
    connection.on('unblocked', () => this.#options.onBlocked?.(false));
  }

  #wentUp(): void {
    if (this.#isLossLogged) this.#options.logger.info({ broker: this.#options.address.display }, 'broker connected');
    this.#isLossLogged = false;
    this.#failures = 0;
    this.isUp = true;
    this.#up.resolve();
  }

  #wentDown(reason: Error): void {
    this.#replace = undefined;
    if (this.isUp) this.#up = Promise.withResolvers();
    this.isUp = false;
    this.#options.onLost(reason);
    this.#options.onBlocked?.(false);
  }

  #logLoss(reason: Error): void {
    if (this.#isLossLogged) return;
    this.#isLossLogged = true;
    const { logger, address } = this.#options;
    logger.warn({ err: reason, broker: address.display }, 'broker disconnected; reconnecting');
  }

  untilUp(): Promise<void> {
    return this.#up.promise;
  }

  replace(reason: Error): void {
    this.#replace?.(reason);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#replace?.(new Error('the bus is closed'));
    await this.#running;
  }
}

export const startLink = (options: LinkOptions): Link => new ReconnectingLink(options);
