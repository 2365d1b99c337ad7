/** Brings the local copy of the list up to date: by a delta where that is enough, by the whole list where it is not. */

import { backoffMillis, type Timers } from '@daybook/async';
import type { Log } from '../log.ts';
import { isList, readDelta, readSnapshot, type StreamedChange } from './eureka-responses.ts';
import type { InstanceList } from './instance-list.ts';
import { type RegistryConnection, type RegistryResponse, RegistryUnavailable } from './registry-connection.ts';

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
const RETAIN_MISSING_MILLIS = 90_000;
const DOUBT = { firstMillis: 500, longestMillis: 60_000 };
/** What is told while a list is fetched is applied once more after it; beyond this everything is fetched again. */
const MAX_STREAMED_MEANWHILE = 10_000;
/** Deltas are forbidden, unknown, or not spoken in JSON there. */
const NO_DELTAS = [403, 404, 406];

export class RegistryReader {
  readonly #options: RegistryReaderOptions;
  /** Whose list is known. */
  #server: string | undefined;
  #fetchedAllAt = 0;
  #updatedAt = 0;
  #noDeltasUntil = 0;
  #mustFetchAll = true;
  #wasAway = false;
  /** Told since the fetch under way began, which may not know of it; undefined when none is. */
  #streamedMeanwhile: StreamedChange[] | undefined;
  #doubts = 0;
  #cancelDoubt: (() => void) | undefined;
  #reportedUnreadable = 0;

  constructor(options: RegistryReaderOptions) {
    this.#options = options;
  }

  /** Asks the registry, and says which of its servers has answered. */
  async update(): Promise<string> {
    this.#streamedMeanwhile = [];
    try {
      const server = (await this.#applyDelta()) ?? (await this.#fetchAll());
      this.#updatedAt = this.#options.timers.now();
      this.#wasAway = false;
      return server;
    } catch (error) {
      this.#wasAway = true;
      throw error;
    } finally {
      this.#streamedMeanwhile = undefined;
      this.#options.list.dropExpired(this.#options.timers.now());
      this.#reportUnreadable();
    }
  }

  /** Takes what a server has told by itself. */
  apply(streamed: StreamedChange): void {
    this.#options.list.apply(streamed.change);
    this.#reportUnreadable();
    if (this.#streamedMeanwhile) {
      if (this.#streamedMeanwhile.length < MAX_STREAMED_MEANWHILE) this.#streamedMeanwhile.push(streamed);
      else this.#mustFetchAll = true;
    } else if (this.#options.list.agreesWith(streamed.hash)) this.#trust();
    else this.doubt();
  }

  /**
   * The whole list is needed. Not at once: what is told and what is fetched cross each other, and a moment later they
   * mostly agree.
   */
  doubt(): void {
    if (this.#cancelDoubt) return;
    this.#doubts += 1;
    this.#cancelDoubt = this.#options.timers.after(backoffMillis(this.#doubts, DOUBT), () => {
      this.#cancelDoubt = undefined;
      this.#mustFetchAll = true;
      this.#options.onDoubt();
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
    const now = this.#options.timers.now();
    return (
      !this.#mustFetchAll &&
      now >= this.#noDeltasUntil &&
      now - this.#fetchedAllAt < FETCH_ALL_EVERY_MILLIS &&
      now - this.#updatedAt < DELTA_REACHES_MILLIS
    );
  }

  /** Undefined when the whole list is needed. */
  async #applyDelta(): Promise<string | undefined> {
    if (!this.#deltaMayDo) return undefined;
    const response = await this.#fetchDelta();
    if (!response) return undefined;
    if (response.status !== 200) this.#noDeltasUntil = this.#options.timers.now() + FETCH_ALL_EVERY_MILLIS;
    const delta = readDelta(response.body);
    // The changes of one server say nothing of the list of another.
    if (!delta || response.server !== this.#server) return undefined;
    for (const change of delta.changes) this.#options.list.apply(change);
    const hashes = [delta.hash, ...this.#reapplyStreamed()];
    if (!hashes.some((hash) => this.#options.list.agreesWith(hash))) {
      this.#mustFetchAll = true;
      return undefined;
    }
    this.#trust();
    return response.server;
  }

  /** Undefined when a server answered with something else than a delta. */
  async #fetchDelta(): Promise<RegistryResponse | undefined> {
    const { connection, signal, logger } = this.#options;
    try {
      return await connection.call({
        method: 'GET',
        path: 'apps/delta',
        accepts: [200, ...NO_DELTAS],
        check: isList,
        signal,
      });
    } catch (error) {
      if (!(error instanceof RegistryUnavailable) || !error.hasResponded) throw error;
      logger.debug({ reason: error.message }, 'delta not usable');
      return undefined;
    }
  }

  async #fetchAll(): Promise<string> {
    const { connection, list, signal, timers } = this.#options;
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
      list.replace(snapshot, this.#wasAway || isAnother ? timers.now() + RETAIN_MISSING_MILLIS : undefined);
      this.#reapplyStreamed();
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
  #reapplyStreamed(): string[] {
    const streamed = this.#streamedMeanwhile ?? [];
    for (const { change } of streamed) this.#options.list.apply(change);
    return streamed.slice(-1).map(({ hash }) => hash);
  }

  #reportUnreadable(): void {
    const { count, reason } = this.#options.list.unreadable();
    if (count > this.#reportedUnreadable) {
      this.#options.logger.warn({ count, reason }, 'malformed instances skipped');
    }
    this.#reportedUnreadable = count;
  }
}
