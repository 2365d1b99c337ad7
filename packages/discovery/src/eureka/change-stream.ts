/** Receives changes that a registry streams. Only Daybook's registry streams; other registries are polled. */

import { backoffMillis, type Timers } from '@daybook/async';
import { codeOf, type Log } from '../log.ts';
import { readStreamedChange, type StreamedChange } from './eureka-responses.ts';
import { createEventParser, type ServerSentEvent } from './event-parser.ts';
import type { RegistryConnection } from './registry-connection.ts';

export interface ChangeStream {
  /** Follows this server from now on. `isBack` means that it was away and may be a different process now. */
  follow(server: string, isBack: boolean): void;
  /** Returns whether the stream reports changes now. */
  isLive(): boolean;
  close(): void;
}

export interface ChangeStreamOptions {
  connection: Pick<RegistryConnection, 'openStream'>;
  logger: Log;
  timers: Timers;
  /** Called when the stream begins to report changes. Earlier changes are not included. */
  onLive: () => void;
  onChange: (streamed: StreamedChange) => void;
  /** Called for a change that cannot be read. */
  onMalformed: () => void;
  /** Called when a live stream ends. */
  onLost: () => void;
}

/** The longest silence of a stream, because the registry sends something every ten seconds. */
const SILENCE_MILLIS = 30_000;
const RETRY = { firstMillis: 500, longestMillis: 30_000 };
/** How often a registry without a stream is tried again, because a newer one may have replaced it. */
const FOREIGN_MILLIS = 10 * 60_000;

/** The stream of one server, until it is replaced or reopened. */
interface OpenStream {
  readonly server: string;
  readonly aborter: AbortController;
  isLive: boolean;
  cancelTimer: () => void;
}

export function createChangeStream(options: ChangeStreamOptions): ChangeStream {
  const { connection, logger, timers, onLive, onChange, onMalformed, onLost } = options;
  let current: OpenStream | undefined;
  let failures = 0;

  function stop(): void {
    current?.cancelTimer();
    current?.aborter.abort();
    current = undefined;
  }

  function open(server: string): void {
    stop();
    const aborter = new AbortController();
    current = { server, aborter, isLive: false, cancelTimer: () => undefined };
    void listen(current);
  }

  /** Never rejects. */
  async function listen(stream: OpenStream): Promise<void> {
    const openedAt = timers.now();
    const reason = await readStream(stream).catch(codeOf);
    // The stream was stopped, and its replacement may be open already.
    if (stream !== current) return;
    stream.cancelTimer();
    stream.aborter.abort();
    if (reason === undefined) {
      logger.debug({ server: stream.server }, 'change stream not supported; registry polled');
      stream.cancelTimer = timers.after(FOREIGN_MILLIS, () => open(stream.server));
      return;
    }
    failures = timers.now() - openedAt > SILENCE_MILLIS ? 1 : failures + 1;
    stream.cancelTimer = timers.after(backoffMillis(failures, RETRY), () => open(stream.server));
    if (!stream.isLive) {
      logger.debug({ server: stream.server, reason }, 'change stream not opened');
      return;
    }
    logger.info({ server: stream.server, reason }, 'change stream lost');
    stream.isLive = false;
    onLost();
  }

  /** Reads until the stream ends and returns the reason; undefined when the server has no stream. */
  async function readStream(stream: OpenStream): Promise<string | undefined> {
    const { server, aborter } = stream;
    watch(stream);
    const chunks = await connection.openStream(server, aborter.signal);
    if (!chunks) return undefined;
    const parser = createEventParser();
    for await (const chunk of chunks) {
      if (aborter.signal.aborted) break;
      watch(stream);
      for (const event of parser.feed(chunk)) handle(stream, event);
    }
    return 'ended';
  }

  function watch(stream: OpenStream): void {
    stream.cancelTimer();
    stream.cancelTimer = timers.after(SILENCE_MILLIS, () => stream.aborter.abort(new Error('silent')));
  }

  function handle(stream: OpenStream, { name, data }: ServerSentEvent): void {
    if (name === 'hello' && !stream.isLive) {
      stream.isLive = true;
      logger.debug({ server: stream.server }, 'change stream opened');
      onLive();
    }
    if (name !== 'change') return;
    const streamed = readStreamedChange(data);
    if (streamed) onChange(streamed);
    else onMalformed();
  }

  return {
    follow(server, isBack) {
      if (current?.server === server && (current.isLive || !isBack)) return;
      failures = 0;
      open(server);
    },
    isLive: () => current?.isLive ?? false,
    close: stop,
  };
}
