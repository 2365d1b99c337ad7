/**
 * Takes the messages of one queue and has each handled: in order within a lane, lanes beside each other, so many at once.
 * What cannot be handled now is kept, unacknowledged, and tried again: to give it back would let others overtake it.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMillis, Semaphore, withDeadline } from '@daybook/async';
import { type Channel, type ChannelModel, type ConsumeMessage, IllegalOperationError } from 'amqplib';
import type { Logger } from 'pino';

/**
 * So many messages are here at a time, handled or waiting. It has to be the same for all readers of a queue, in every
 * version: the broker gives back what a lost reader had to the next one, in order only if that takes all of it at once.
 */
const PREFETCH = 200;
const AT_ONCE = 16;
const RETRY = { firstMillis: 100, longestMillis: 5_000 };
const PATIENCE_MILLIS = 15_000;
const QUIET_MILLIS = 60_000;
const CLOSE_DEADLINE_MILLIS = 2_000;
const DRAIN_DEADLINE_MILLIS = 10_000;

/** What is to be done about one message. */
export interface Task {
  /** Messages of one lane are handled one after the other. */
  readonly orderingKey: string;
  /** Resolves when the message may go; rejects when it must be tried again. */
  run(): Promise<void>;
}

export interface ReaderOptions {
  readonly queue: string;
  readonly logger: Logger;
  /** After so long without any success the queue is left to another reader, who may have a database that works. */
  readonly patienceMillis?: number | undefined;
  /** Undefined for what cannot be understood: the broker moves it to where such messages go. */
  taskOf(message: ConsumeMessage): Task | undefined;
  /** The connection has to be replaced. */
  onFailure(reason: Error): void;
}

/** What one channel brought. */
class Window {
  readonly channel: Channel;
  /** Ends waits between attempts, and that anything more is begun. */
  readonly stopping = new AbortController();
  readonly tails = new Map<string, Promise<void>>();
  failingSince: number | undefined;

  constructor(channel: Channel) {
    this.channel = channel;
  }

  /** The channel may be gone: then the broker brings the message again. */
  acknowledge(send: (channel: Channel) => void): void {
    try {
      send(this.channel);
    } catch (error) {
      if (!(error instanceof IllegalOperationError)) throw error;
    }
  }
}

async function pause(millis: number, signal: AbortSignal): Promise<void> {
  await sleep(millis, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}

export class Reader {
  readonly #options: ReaderOptions;
  readonly #semaphore = new Semaphore(AT_ONCE);
  readonly #closing = new AbortController();
  #connection: ChannelModel | undefined;
  #window: Window | undefined;
  #standby: Promise<void> | undefined;
  /** Until then the log has heard enough of failures. */
  #quietUntil = 0;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** Reads from this connection from now on. */
  async open(connection: ChannelModel): Promise<void> {
    this.#connection = connection;
    if (!this.#standby && !this.#closing.signal.aborted) await this.#begin(connection);
  }

  /** The connection is gone. What is being handled goes on; it will come again, and the inbox knows it. */
  onConnectionLost(): void {
    this.#connection = undefined;
    this.#window?.stopping.abort();
    this.#window = undefined;
  }

  /** Lets end what has begun. The rest stays in the queue. */
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
    const before = window.tails.get(task.orderingKey) ?? Promise.resolve();
    const done = before.then(() => this.#settle(window, message, task));
    window.tails.set(task.orderingKey, done);
    void done.then(() => {
      if (window.tails.get(task.orderingKey) === done) window.tails.delete(task.orderingKey);
    });
  }

  /** Never rejects. What comes after it in its lane goes on, unless no more is to be begun. */
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

  /** Gives everything back, and reads on when what failed succeeds. It is handled twice then, which the inbox knows. */
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

  /** First nothing more is begun, then the channel is closed: what it still has goes back all at once, in its order. */
  async #end(window: Window): Promise<void> {
    window.stopping.abort();
    if (this.#window === window) this.#window = undefined;
    const running = Promise.all(window.tails.values());
    await withDeadline(running, DRAIN_DEADLINE_MILLIS, 'handling what was begun').catch(this.#options.onFailure);
    await closeQuietly(window.channel);
  }
}

/** Closes, if the connection is still there. */
async function closeQuietly(channel: Channel): Promise<void> {
  const closing = Promise.withResolvers<void>();
  channel.once('close', closing.resolve);
  try {
    await withDeadline(Promise.race([channel.close(), closing.promise]), CLOSE_DEADLINE_MILLIS, 'closing a channel');
  } catch {
    // Closed already, or its connection was cut: the broker has everything back.
  }
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
