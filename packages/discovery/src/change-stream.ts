/** Hears of changes from a registry that tells of them. Only ours does; a foreign one is asked again and again instead. */
import { readToldChange, type ToldChange } from './eureka-answers.ts';
import { createEventParser, type ServerSentEvent } from './event-parser.ts';
import { codeOf, type Log } from './log.ts';
import type { RegistryConnection } from './registry-connection.ts';
import { backoffMillis, type Timers } from './timers.ts';

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
  onChange: (told: ToldChange) => void;
  /** Something was told that cannot be read. */
  onGarbage: () => void;
  /** It was live, and is not any more. */
  onLost: () => void;
}

/** The registry says something every ten seconds. */
const SILENCE_MILLIS = 30_000;
const LONGEST_RETRY_MILLIS = 30_000;
/** A registry that does not stream is asked again only so often: it may have been replaced by a newer one. */
const FOREIGN_MILLIS = 10 * 60_000;

/** One server, until another one is followed or this one has to be opened again. */
interface Listening {
  readonly server: string;
  readonly aborter: AbortController;
  isLive: boolean;
  cancelTimer: () => void;
}

export function createChangeStream(options: ChangeStreamOptions): ChangeStream {
  const { connection, logger, timers, onLive, onChange, onGarbage, onLost } = options;
  let current: Listening | undefined;
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
  async function listen(listening: Listening): Promise<void> {
    const openedAt = timers.now();
    const reason = await hear(listening).catch(codeOf);
    // Whoever stopped it has taken its place already.
    if (listening !== current) return;
    listening.cancelTimer();
    listening.aborter.abort();
    if (reason === undefined) {
      logger.debug({ server: listening.server }, 'the registry has no stream of changes; its list is asked for');
      listening.cancelTimer = timers.after(FOREIGN_MILLIS, () => open(listening.server));
      return;
    }
    failures = timers.now() - openedAt > SILENCE_MILLIS ? 1 : failures + 1;
    listening.cancelTimer = timers.after(backoffMillis(failures, LONGEST_RETRY_MILLIS), () => open(listening.server));
    if (!listening.isLive) {
      logger.debug({ server: listening.server, reason }, 'the registry does not tell of changes now');
      return;
    }
    logger.info({ server: listening.server, reason }, 'the registry does not tell of changes any more');
    listening.isLive = false;
    onLost();
  }

  /** Until the stream ends: why it did; undefined when the server has none. */
  async function hear(listening: Listening): Promise<string | undefined> {
    const { server, aborter } = listening;
    watch(listening);
    const chunks = await connection.openStream(server, aborter.signal);
    if (!chunks) return undefined;
    const parser = createEventParser();
    for await (const chunk of chunks) {
      if (aborter.signal.aborted) break;
      watch(listening);
      for (const event of parser.feed(chunk)) handle(listening, event);
    }
    return 'ended';
  }

  function watch(listening: Listening): void {
    listening.cancelTimer();
    listening.cancelTimer = timers.after(SILENCE_MILLIS, () => listening.aborter.abort(new Error('silent')));
  }

  function handle(listening: Listening, { name, data }: ServerSentEvent): void {
    if (name === 'hello' && !listening.isLive) {
      listening.isLive = true;
      logger.debug({ server: listening.server }, 'the registry tells of changes');
      onLive();
    }
    if (name !== 'change') return;
    const told = readToldChange(data);
    if (told) onChange(told);
    else onGarbage();
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
