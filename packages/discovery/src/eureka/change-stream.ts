/** Hears of changes from a registry that tells of them. Only ours does; a foreign one is asked again and again instead. */

import { backoffMillis, type Timers } from '@daybook/async';
import { codeOf, type Log } from '../log.ts';
import { readStreamedChange, type StreamedChange } from './eureka-responses.ts';
import { createEventParser, type ServerSentEvent } from './event-parser.ts';
import type { RegistryConnection } from './registry-connection.ts';

export interface ChangeStream {
  /** Listens to this server from now on. `isBack`: it was away, and may be another one now. */
  follow(server: string, isBack: boolean): void;
  /** Whether changes are told now. */
  isLive(): boolean;
  close(): void;
}

export interface ChangeStreamOptions {
  connection: Pick<RegistryConnection, 'openStream'>;
  logger: Log;
  timers: Timers;
  /** Changes are told from now on; what happened before is not among them. */
  onLive: () => void;
  onChange: (streamed: StreamedChange) => void;
  /** Something was told that cannot be read. */
  onMalformed: () => void;
  /** It was live, and is not any more. */
  onLost: () => void;
}

/** The registry says something every ten seconds. */
const SILENCE_MILLIS = 30_000;
const RETRY = { firstMillis: 500, longestMillis: 30_000 };
/** A registry that does not stream is asked again only so often: it may have been replaced by a newer one. */
const FOREIGN_MILLIS = 10 * 60_000;

/** One server, until another one is followed or this one has to be opened again. */
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
    // Whoever stopped it has taken its place already.
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

  /** Until the stream ends: why it did; undefined when the server has none. */
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
