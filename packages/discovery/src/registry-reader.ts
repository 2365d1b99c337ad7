/** Brings the local copy of the list up to date: by a delta where that is enough, by the whole list where it is not. */
import { isList, readDelta, readSnapshot, type ToldChange } from './eureka-answers.ts';
import type { InstanceList } from './instance-list.ts';
import type { Log } from './log.ts';
import { type RegistryAnswer, type RegistryConnection, RegistryUnavailable } from './registry-connection.ts';
import { backoffMillis, type Timers } from './timers.ts';

export interface RegistryReaderOptions {
  connection: RegistryConnection;
  list: InstanceList;
  logger: Log;
  timers: Timers;
  signal: AbortSignal;
  /** Called when the copy has been in doubt for a while: `update` will fetch the whole list. */
  onDoubt: () => void;
}

/** Deltas are checked only by counts per status: now and then everything is fetched anyway. */
const FETCH_ALL_EVERY_MILLIS = 10 * 60_000;
/** A delta tells of three minutes. After a longer silence, less a margin, it may lack something. */
const DELTA_REACHES_MILLIS = 2 * 60_000;
/** Eureka's usual lease: whoever is alive has registered again by then. */
const KEEP_MISSING_MILLIS = 90_000;
const LONGEST_DOUBT_MILLIS = 60_000;
/** What is told while a list is fetched is applied once more after it; beyond this everything is fetched again. */
const MAX_TOLD_MEANWHILE = 10_000;
/** Deltas are forbidden, unknown, or not spoken in JSON there. */
const NO_DELTAS = [403, 404, 406];

export class RegistryReader {
  readonly #parts: RegistryReaderOptions;
  /** Whose list is known. */
  #server: string | undefined;
  #fetchedAllAt = 0;
  #updatedAt = 0;
  #noDeltasUntil = 0;
  #mustFetchAll = true;
  #wasAway = false;
  /** Told since the fetch under way began, which may not know of it; undefined when none is. */
  #toldMeanwhile: ToldChange[] | undefined;
  #doubts = 0;
  #cancelDoubt: (() => void) | undefined;
  #reportedUnreadable = 0;

  constructor(parts: RegistryReaderOptions) {
    this.#parts = parts;
  }

  /** Asks the registry, and says which of its servers has answered. */
  async update(): Promise<string> {
    this.#toldMeanwhile = [];
    try {
      const server = (await this.#takeDelta()) ?? (await this.#takeAll());
      this.#updatedAt = this.#parts.timers.now();
      this.#wasAway = false;
      return server;
    } catch (error) {
      this.#wasAway = true;
      throw error;
    } finally {
      this.#toldMeanwhile = undefined;
      this.#parts.list.forgetKept(this.#parts.timers.now());
      this.#reportUnreadable();
    }
  }

  /** Takes what a server has told by itself. */
  take(told: ToldChange): void {
    this.#parts.list.apply(told.change);
    this.#reportUnreadable();
    if (this.#toldMeanwhile) {
      if (this.#toldMeanwhile.length < MAX_TOLD_MEANWHILE) this.#toldMeanwhile.push(told);
      else this.#mustFetchAll = true;
    } else if (this.#parts.list.agreesWith(told.hash)) this.#trust();
    else this.doubt();
  }

  /**
   * The whole list is needed. Not at once: what is told and what is fetched cross each other, and a moment later they
   * mostly agree.
   */
  doubt(): void {
    if (this.#cancelDoubt) return;
    this.#doubts += 1;
    this.#cancelDoubt = this.#parts.timers.after(backoffMillis(this.#doubts, LONGEST_DOUBT_MILLIS), () => {
      this.#cancelDoubt = undefined;
      this.#mustFetchAll = true;
      this.#parts.onDoubt();
    });
  }

  /** It may come back knowing nobody. */
  registryWasAway(): void {
    this.#wasAway = true;
  }

  close(): void {
    this.#endDoubt();
  }

  #trust(): void {
    this.#doubts = 0;
    this.#endDoubt();
  }

  #endDoubt(): void {
    this.#cancelDoubt?.();
    this.#cancelDoubt = undefined;
  }

  get #deltaMayDo(): boolean {
    const now = this.#parts.timers.now();
    return (
      !this.#mustFetchAll &&
      now >= this.#noDeltasUntil &&
      now - this.#fetchedAllAt < FETCH_ALL_EVERY_MILLIS &&
      now - this.#updatedAt < DELTA_REACHES_MILLIS
    );
  }

  /** Undefined when the whole list is needed. */
  async #takeDelta(): Promise<string | undefined> {
    if (!this.#deltaMayDo) return undefined;
    const answer = await this.#askForDelta();
    if (!answer) return undefined;
    if (answer.status !== 200) this.#noDeltasUntil = this.#parts.timers.now() + FETCH_ALL_EVERY_MILLIS;
    const delta = readDelta(answer.body);
    // The changes of one server say nothing of the list of another.
    if (!delta || answer.server !== this.#server) return undefined;
    for (const change of delta.changes) this.#parts.list.apply(change);
    const hashes = [delta.hash, ...this.#repeatWhatWasTold()];
    if (!hashes.some((hash) => this.#parts.list.agreesWith(hash))) {
      this.#mustFetchAll = true;
      return undefined;
    }
    this.#trust();
    return answer.server;
  }

  /** Undefined when a server answered with something else than a delta. */
  async #askForDelta(): Promise<RegistryAnswer | undefined> {
    const { connection, signal, logger } = this.#parts;
    try {
      return await connection.call({
        method: 'GET',
        path: 'apps/delta',
        accepts: [200, ...NO_DELTAS],
        check: isList,
        signal,
      });
    } catch (error) {
      if (!(error instanceof RegistryUnavailable) || !error.answered) throw error;
      logger.debug({ reason: error.message }, 'the registry gave no delta that can be used');
      return undefined;
    }
  }

  async #takeAll(): Promise<string> {
    const { connection, list, signal, timers } = this.#parts;
    this.#mustFetchAll = false;
    try {
      const { server, body } = await connection.call({
        method: 'GET',
        path: 'apps/',
        accepts: [200],
        check: isList,
        signal,
      });
      const snapshot = readSnapshot(body);
      const isAnother = this.#server !== undefined && server !== this.#server;
      list.replace(snapshot, this.#wasAway || isAnother ? timers.now() + KEEP_MISSING_MILLIS : undefined);
      this.#repeatWhatWasTold();
      this.#endDoubt();
      if (isAnother) this.#noDeltasUntil = 0;
      this.#server = server;
      this.#fetchedAllAt = timers.now();
      return server;
    } catch (error) {
      this.#mustFetchAll = true;
      throw error;
    }
  }

  /** The hash of the last of it, if there was any. */
  #repeatWhatWasTold(): string[] {
    const told = this.#toldMeanwhile ?? [];
    for (const { change } of told) this.#parts.list.apply(change);
    return told.slice(-1).map(({ hash }) => hash);
  }

  #reportUnreadable(): void {
    const { count, reason } = this.#parts.list.unreadable();
    if (count > this.#reportedUnreadable) {
      this.#parts.logger.warn({ count, reason }, 'left out instances that cannot be read');
    }
    this.#reportedUnreadable = count;
  }
}
