/** A connection to the broker that is made again whenever it is lost, and tells of it once. */

import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMillis, withDeadline } from '@daybook/async';
import { type ChannelModel, connect } from 'amqplib';
import type { Logger } from 'pino';
import type { BrokerAddress } from './address.ts';

const CONNECT_DEADLINE_MILLIS = 10_000;
const SET_UP_DEADLINE_MILLIS = 30_000;
const CLOSE_DEADLINE_MILLIS = 2_000;
const RETRY = { firstMillis: 100, longestMillis: 5_000 };

export interface LinkOptions {
  readonly address: BrokerAddress;
  /** Shown in the broker's list of connections. */
  readonly name: string;
  readonly logger: Logger;
  /** Makes ready what stands on a new connection; the link is up when it resolves. */
  setUp(connection: ChannelModel): Promise<void>;
  /** What stood on the connection is gone. Also called when `setUp` did not get to its end. */
  onLost(reason: Error): void;
  /** The broker takes nothing on this connection for now, since it is short of memory or disk; or takes it again. */
  onBlocked?(isBlocked: boolean): void;
}

export interface Link {
  readonly isUp: boolean;
  /** Resolves when it is up the next time, or is up now. */
  untilUp(): Promise<void>;
  /** Replaces the connection: something on it is not as it should be. */
  replace(reason: Error): void;
  close(): Promise<void>;
}

const toError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

async function open({ address, name }: LinkOptions, signal: AbortSignal): Promise<ChannelModel> {
  const connection = await connect(address.connect, {
    ...address.tls,
    noDelay: true,
    timeout: CONNECT_DEADLINE_MILLIS,
    clientProperties: { connection_name: name },
  });
  // It comes with a 'close', which is what is acted on. Without a listener it would end the process.
  connection.on('error', () => undefined);
  if (!signal.aborted) return connection;
  await closeQuietly(connection);
  throw signal.reason;
}

/** Closes, if the other side is still there to agree. */
async function closeQuietly(connection: ChannelModel): Promise<void> {
  try {
    await withDeadline(connection.close(), CLOSE_DEADLINE_MILLIS, 'closing a connection to the broker');
  } catch {
    // Closed already, or cut: nothing of ours is on it any more.
  }
}

/** Waits for `work` while the connection lasts. @throws the reason why it ended */
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
  /** Whether the log has heard that it is down. */
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
      await sleep(backoffMillis(this.#failures, RETRY), undefined, { signal }).catch(() => undefined);
    }
  }

  /** One connection, from its beginning to its end. Resolves with why it ended. */
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
