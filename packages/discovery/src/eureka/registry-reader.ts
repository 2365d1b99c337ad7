/** Updates the local copy of the list: by a delta where that suffices, otherwise by the whole list. */

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
  /** Called after a period of doubt about the copy; the next `update` fetches the whole list. */
  onDoubt: () => void;
}

/** How often the whole list is fetched anyway, because deltas are checked only by counts per status. */
const FETCH_ALL_EVERY_MILLIS = 10 * 60_000;
/** A delta covers three minutes. After a longer silence, less a margin, changes may be missing. */
const DELTA_REACHES_MILLIS = 2 * 60_000;
/** Eureka's usual lease; running instances have registered again by then. */
const RETAIN_MISSING_MILLIS = 90_000;
const DOUBT = { firstMillis: 500, longestMillis: 60_000 };
/**
 * Changes that arrive during a fetch are applied again after it. Beyond this number the whole list is fetched again.
 */
const MAX_STREAMED_MEANWHILE = 10_000;
/** The server forbids deltas, lacks them, or does not send them as JSON. */
const NO_DELTAS = [403, 404, 406];

export class RegistryReader {
  readonly #options: RegistryReaderOptions;
  /** The server whose list is known. */
  #server: string | undefined;
  #fetchedAllAt = 0;
  #updatedAt = 0;
  #noDeltasUntil = 0;
  #mustFetchAll = true;
  #wasAway = false;
  /** Changes received during the current fetch, which may lack them; undefined when no fetch is running. */
  #streamedMeanwhile: StreamedChange[] | undefined;
  #doubts = 0;
  #cancelDoubt: (() => void) | undefined;
  #reportedUnreadable = 0;

  constructor(options: RegistryReaderOptions) {
    this.#options = options;
  }

  /** Updates the list. Returns the server that responded. */
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

  /** Applies a change that a server streamed. */
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
   * Schedules a fetch of the whole list. Waits first, because streamed changes and fetches overlap and usually agree a
   * moment later.
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

  /** Notes that the registry was away, because it may return without instances. */
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

  /** Applies a delta; returns undefined when the whole list is needed. */
  async #applyDelta(): Promise<string | undefined> {
    if (!this.#deltaMayDo) return undefined;
    const response = await this.#fetchDelta();
    if (!response) return undefined;
    if (response.status !== 200) this.#noDeltasUntil = this.#options.timers.now() + FETCH_ALL_EVERY_MILLIS;
    const delta = readDelta(response.body);
    // The changes of one server do not apply to the list of another.
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

  /** Fetches a delta; returns undefined when a server responded with something else. */
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

  /** Applies the streamed changes again. Returns the hash of the last one, if any. */
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
