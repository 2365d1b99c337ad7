/**
 * Reads the messages of one queue and handles each. Messages with the same ordering key run in order, others
 * concurrently up to a limit. A message that cannot be handled now stays unacknowledged and is retried, because later
 * messages would overtake a returned one.
 */

import { backoffMillis, KeyedQueue, pause, Semaphore, settlesWithin, withDeadline } from '@daybook/async';
import { type Channel, type ChannelModel, type ConsumeMessage, IllegalOperationError } from 'amqplib';
import type { Logger } from 'pino';

/**
 * The number of messages held at a time, running or waiting. It must be the same for all readers of a queue, in every
 * version. The broker returns the messages of a lost reader to the next one. Their order survives only if that reader
 * takes all of them together.
 */
const PREFETCH = 200;
const AT_ONCE = 16;
const RETRY = { firstMillis: 100, longestMillis: 5_000 };
const PATIENCE_MILLIS = 15_000;
const QUIET_MILLIS = 60_000;
const CLOSE_DEADLINE_MILLIS = 2_000;
const DRAIN_DEADLINE_MILLIS = 10_000;

/** The work for one message. */
export interface Task {
  /** Messages with the same key are handled one after the other. */
  readonly orderingKey: string;
  /** Resolves when the message can be acknowledged. Rejects when it must be retried. */
  run(): Promise<void>;
}

export interface ReaderOptions {
  readonly queue: string;
  readonly logger: Logger;
  /** After this time without success the queue is left to another reader, whose database may work. */
  readonly patienceMillis?: number | undefined;
  /** Returns undefined for an unreadable message, which the broker then moves to the queue for such messages. */
  taskOf(message: ConsumeMessage): Task | undefined;
  /** Called when the connection must be replaced. */
  onFailure(reason: Error): void;
}

/** The messages of one channel. */
class Window {
  readonly channel: Channel;
  /** Ends waits between attempts and prevents new work. */
  readonly stopping = new AbortController();
  /** The messages that run or wait. */
  readonly queue = new KeyedQueue();
  failingSince: number | undefined;

  constructor(channel: Channel) {
    this.channel = channel;
  }

  /** Sends an acknowledgement. If the channel is gone, the broker redelivers the message. */
  acknowledge(send: (channel: Channel) => void): void {
    try {
      send(this.channel);
    } catch (error) {
      if (!(error instanceof IllegalOperationError)) throw error;
    }
  }
}

export class Reader {
  readonly #options: ReaderOptions;
  readonly #semaphore = new Semaphore(AT_ONCE);
  readonly #closing = new AbortController();
  #connection: ChannelModel | undefined;
  #window: Window | undefined;
  #standby: Promise<void> | undefined;
  /** No failure is logged before this time. */
  #quietUntil = 0;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** Reads from this connection from now on. */
  async open(connection: ChannelModel): Promise<void> {
    this.#connection = connection;
    if (!this.#standby && !this.#closing.signal.aborted) await this.#begin(connection);
  }

  /** Drops the connection. Running work continues; its messages are redelivered, and the inbox skips them. */
  onConnectionLost(): void {
    this.#connection = undefined;
    this.#window?.stopping.abort();
    this.#window = undefined;
  }

  /** Waits for running work. The rest stays in the queue. */
  async close(): Promise<void> {
    this.#closing.abort();
    const window = this.#window;
    if (window) await this.#end(window);
    await this.#standby;
  }

  async #begin(connection: ChannelModel): Promise<void> {
    const channel = await connection.createChannel();
    const window = new Window(channel);
    channel.on('error', this.#options.onFailure);
    await channel.prefetch(PREFETCH);
    this.#window = window;
    await channel.consume(this.#options.queue, (message) => {
      if (message) this.#dispatch(window, message);
      else this.#options.onFailure(new Error(`the queue ${this.#options.queue} was taken away`));
    });
  }

  #dispatch(window: Window, message: ConsumeMessage): void {
    if (window.stopping.signal.aborted) return;
    const task = this.#options.taskOf(message);
    if (!task) {
      window.acknowledge((channel) => channel.reject(message, false));
      return;
    }
    void window.queue.run([task.orderingKey], () => this.#settle(window, message, task));
  }

  /**
   * Handles one message until it succeeds. Never rejects, so that later messages of its key continue unless the window
   * is stopping.
   */
  async #settle(window: Window, message: ConsumeMessage, task: Task): Promise<void> {
    const { signal } = window.stopping;
    for (let failures = 1; !signal.aborted; failures += 1) {
      const outcome = await this.#semaphore.run(() => attempt(task, signal));
      if (outcome === 'not begun') return;
      if (outcome === 'done') {
        window.failingSince = undefined;
        window.acknowledge((channel) => channel.ack(message));
        return;
      }
      if (this.#isFailingLong(window, outcome.error)) {
        this.#standby ??= this.#standBy(window, task);
        return;
      }
      await pause(backoffMillis(failures, RETRY), signal);
    }
  }

  #isFailingLong(window: Window, error: unknown): boolean {
    const now = performance.now();
    window.failingSince ??= now;
    if (now >= this.#quietUntil) {
      this.#quietUntil = now + QUIET_MILLIS;
      const { logger, queue } = this.#options;
      logger.warn({ err: error, queue }, 'events kept in the queue; handling retried');
    }
    return now - window.failingSince > (this.#options.patienceMillis ?? PATIENCE_MILLIS);
  }

  /**
   * Returns all messages to the queue, and resumes reading when the failed task succeeds. That task then runs twice,
   * and the inbox skips the second run.
   */
  async #standBy(window: Window, task: Task): Promise<void> {
    await this.#end(window);
    const { signal } = this.#closing;
    for (let failures = 1; !signal.aborted; failures += 1) {
      await pause(backoffMillis(failures, RETRY), signal);
      if ((await attempt(task, signal)) === 'done') break;
    }
    this.#standby = undefined;
    if (!this.#connection || signal.aborted) return;
    await this.#begin(this.#connection).catch(this.#options.onFailure);
  }

  /** Stops new work, then closes the channel. Its remaining messages return together, in order. */
  async #end(window: Window): Promise<void> {
    window.stopping.abort();
    if (this.#window === window) this.#window = undefined;
    const draining = withDeadline(window.queue.drain(), DRAIN_DEADLINE_MILLIS, 'handling what was begun');
    await draining.catch(this.#options.onFailure);
    await closeQuietly(window.channel);
  }
}

/** Closes the channel, if the connection still exists. */
async function closeQuietly(channel: Channel): Promise<void> {
  const closing = Promise.withResolvers<void>();
  channel.once('close', closing.resolve);
  // After a failure the channel is closed or its connection cut already, so the broker has all messages back.
  await settlesWithin(Promise.race([Promise.try(() => channel.close()), closing.promise]), CLOSE_DEADLINE_MILLIS);
}

async function attempt(task: Task, signal: AbortSignal): Promise<'done' | 'not begun' | { readonly error: unknown }> {
  if (signal.aborted) return 'not begun';
  try {
    await task.run();
    return 'done';
  } catch (error) {
    return { error };
  }
}
