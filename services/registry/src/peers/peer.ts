/** Replicates every change to one other registry: in order, in batches, and repeatedly until it responds. */
import { backoffMillis } from '@daybook/async';
import type { Logger } from '@daybook/service';
import type { Registration } from '../domain/instance.ts';
import { createPendingChanges } from '../domain/pending-changes.ts';
import type { PendingChange } from '../domain/replication.ts';
import { type PeerConnection, PeerError, type PeerOutcome } from './peer-connection.ts';

export interface Peer {
  replicate(change: PendingChange): void;
  /** Sends the pending changes once more, and ends. */
  close(): Promise<void>;
}

export interface PeerOptions {
  connection: PeerConnection;
  logger: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** Returns the entry for a change with the current data; undefined when nothing needs to be sent. */
  entryOf: (change: PendingChange) => object | undefined;
  /** Registers an instance whose later change the peer reported. */
  registerNewer: (instance: Registration) => void;
  firstRetryMillis?: number;
}

/** The same as Netflix's. */
const BATCH_ENTRIES = 250;
/** A batch ends with the entry that exceeds this size. A peer accepts four times as much. */
const BATCH_BYTES = 1024 * 1024;
/** Twice the largest number of instances. */
const MAX_PENDING = 20_000;
/** Beyond this number, rejected instances are forgotten and may be logged again. */
const MAX_REJECTED = 1_000;
/** Changes within this time are sent together. */
const BATCH_DELAY_MILLIS = 50;
const FIRST_RETRY_MILLIS = 500;
const LONGEST_RETRY_MILLIS = 30_000;

export function createPeer(options: PeerOptions): Peer {
  const { connection, logger, entryOf, registerNewer, firstRetryMillis = FIRST_RETRY_MILLIS } = options;
  const retry = { firstMillis: firstRetryMillis, longestMillis: LONGEST_RETRY_MILLIS };
  const logFields = { peer: connection.origin };
  const pending = createPendingChanges(MAX_PENDING);
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let failures = 0;
  let isFull = false;
  /** The instances whose last change the peer rejected. Each is logged once. */
  const rejected = new Set<string>();
  let closed = false;

  function runIn(millis: number): void {
    if (closed || running || timer) return;
    timer = setTimeout(() => {
      timer = undefined;
      void run();
    }, millis).unref();
  }

  function run(): Promise<void> {
    running ??= sendOnce().finally(() => {
      running = undefined;
      if (pending.size() > 0) runIn(failures === 0 ? BATCH_DELAY_MILLIS : backoffMillis(failures, retry));
    });
    return running;
  }

  async function sendOnce(): Promise<void> {
    const { sent, obsolete, entries } = nextBatch(pending.first(BATCH_ENTRIES), entryOf);
    pending.remove(obsolete);
    if (entries.length === 0) return;
    try {
      const outcomes = await connection.sendBatch(entries);
      pending.remove(sent);
      outcomes.forEach((outcome, index) => {
        applyOutcome(outcome, sent[index]);
      });
      if (failures > 0) logger.info(logFields, 'peer replication resumed');
      failures = 0;
    } catch (error) {
      if (!(error instanceof PeerError)) throw error;
      failed(error, sent);
    }
  }

  function failed(error: PeerError, sent: readonly PendingChange[]): void {
    const reason = error.message;
    if (error.isTransient) {
      if (failures === 0) logger.warn({ ...logFields, reason }, 'peer replication interrupted, changes queued');
      failures += 1;
    } else {
      // A repetition would be rejected again, and would block all later changes.
      logger.error({ ...logFields, reason, changes: sent.length }, 'peer replication rejected');
      pending.remove(sent);
    }
  }

  function applyOutcome({ statusCode, newer }: PeerOutcome, change: PendingChange | undefined): void {
    if (newer) registerNewer(newer);
    else if (statusCode === 404 && change?.action === 'Heartbeat') replicate({ ...change, action: 'Register' });
    else if (change) noteOutcome(statusCode, change);
  }

  /**
   * Logs a rejection once per instance. 400 means that the change is dated in the peer's future or is unreadable. 404
   * means that the instance is gone there.
   */
  function noteOutcome(status: number, { action, app, id }: PendingChange): void {
    const key = `${app}/${id}`;
    if (status < 400 || status === 404) {
      rejected.delete(key);
      return;
    }
    if (rejected.has(key)) return;
    if (rejected.size >= MAX_REJECTED) rejected.clear();
    rejected.add(key);
    logger.warn({ ...logFields, status, action, app, instance: id }, 'change rejected by the peer');
  }

  function replicate(change: PendingChange): void {
    if (closed) return;
    const added = pending.add(change);
    if (!added && !isFull) logger.error(logFields, 'peer replication queue full, changes left to heartbeats');
    isFull = !added;
    runIn(BATCH_DELAY_MILLIS);
  }

  return {
    replicate,
    async close() {
      closed = true;
      clearTimeout(timer);
      await running;
      if (failures === 0 && pending.size() > 0) await sendOnce();
      await connection.close();
    },
  };
}

function nextBatch(changes: readonly PendingChange[], entryOf: PeerOptions['entryOf']) {
  const sent: PendingChange[] = [];
  const obsolete: PendingChange[] = [];
  const entries: object[] = [];
  let bytes = 0;
  for (const change of changes) {
    if (bytes > BATCH_BYTES) break;
    const entry = entryOf(change);
    if (!entry) obsolete.push(change);
    else {
      sent.push(change);
      entries.push(entry);
      bytes += JSON.stringify(entry).length;
    }
  }
  return { sent, obsolete, entries };
}
