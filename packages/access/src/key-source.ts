/** The keys that verify access tokens: fetched from identity, verified with the root key, remembered. */
import { abortable, withDeadline } from '@daybook/async';
import type { CryptoKey } from 'jose';
import { CLOCK_TOLERANCE_SECONDS, type Clock, hasPassed } from './clock.ts';
import type { VerificationKey } from './key-pair.ts';
import { InvalidKeySet, type KeySet, verifyKeySet } from './key-set.ts';
import { readKeySetFile, replaceKeySetFile } from './key-set-file.ts';

/** The least time between two fetches, whatever the callers send. */
const FETCH_INTERVAL_MILLIS = 10_000;
/** The same while there is no current set, so that a service soon works again after identity was away. */
const RETRY_INTERVAL_MILLIS = 1_000;
/** A set is fetched again after this time, so that services drop a retired key. */
const REFRESH_AFTER_MILLIS = 5 * 60_000;
const FETCH_TIMEOUT_MILLIS = 3_000;

export interface KeySourceOptions {
  /**
   * Returns the signed key set of identity. It ends when the signal aborts, and reads no more than
   * `MAX_KEY_SET_LENGTH` characters.
   */
  readonly fetchKeySet: (signal: AbortSignal) => Promise<string>;
  /** The trust anchor, from the configuration. A set that another key signed is rejected, wherever it came from. */
  readonly rootKey: VerificationKey;
  readonly clock: Clock;
  /** Where the last good set is kept. Without it, it is in memory only. */
  readonly file?: string;
  /** Receives each failure to fetch, verify, read or write a set. The last good set stays in use. */
  readonly onFailure: (error: unknown) => void;
  readonly fetchTimeoutMillis?: number;
}

/** There is no valid key set, so it is unknown whether a token is valid. */
export class KeySetUnavailable extends Error {
  override readonly name = 'KeySetUnavailable';
  /** Whole seconds until the next fetch. */
  readonly retryAfterSeconds: number;

  constructor(retryAfterSeconds: number) {
    super('No valid key set is available, because identity could not be reached.');
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export interface KeySource {
  /** Returns a key of the current set. Never waits; an old set is fetched again in the background. */
  readonly peek: (keyId: string) => CryptoKey | undefined;
  /**
   * Returns a key. An unknown id fetches the set again: once for all callers, and at most once in ten seconds,
   * or in one second while there is no current set.
   * Returns undefined if the current set does not have the key.
   * @throws KeySetUnavailable when there is no current set
   */
  readonly find: (keyId: string) => Promise<CryptoKey | undefined>;
  /**
   * Resolves when there is a current set, which it fetches if necessary.
   * @throws KeySetUnavailable
   */
  readonly check: () => Promise<void>;
  /** Ends a running fetch and prevents further ones. */
  readonly stop: () => Promise<void>;
}

/** Returns a source that has read its file. It fetches nothing before the first request for a key. */
export async function createKeySource(options: KeySourceOptions): Promise<KeySource> {
  const { fetchKeySet, rootKey, clock, file, onFailure, fetchTimeoutMillis = FETCH_TIMEOUT_MILLIS } = options;
  const stopped = new AbortController();
  let current: KeySet | undefined;
  let fetchedAtMillis = Number.NEGATIVE_INFINITY;
  let attemptedAtMillis = Number.NEGATIVE_INFINITY;
  let running: Promise<void> | undefined;

  const now = (): number => clock().epochMilliseconds;
  const isCurrent = (): boolean => current !== undefined && now() < current.expiresAtMillis;
  const intervalMillis = (): number => (isCurrent() ? FETCH_INTERVAL_MILLIS : RETRY_INTERVAL_MILLIS);

  /**
   * Returns whether a set is older than the current one. A signed set stays valid until its `exp`, so an attacker could
   * send an old one that still has a retired key. A current set from the future, of a clock that was wrong, protects
   * from nothing.
   */
  function isOlder(set: KeySet): boolean {
    if (!current || current.issuedAtMillis > now() + CLOCK_TOLERANCE_SECONDS * 1_000) return false;
    return set.issuedAtMillis < current.issuedAtMillis;
  }

  async function accept(text: string): Promise<void> {
    const set = await verifyKeySet(text, rootKey, now());
    if (isOlder(set)) throw new InvalidKeySet('older');
    current = set;
  }

  async function restore(path: string): Promise<void> {
    const text = await readKeySetFile(path);
    if (text !== undefined) await accept(text);
  }

  async function fetchText(): Promise<string> {
    const attempt = new AbortController();
    const signal = AbortSignal.any([attempt.signal, stopped.signal]);
    try {
      return await withDeadline(abortable(fetchKeySet(signal), signal), fetchTimeoutMillis, 'fetch of the key set');
    } finally {
      attempt.abort();
    }
  }

  async function fetchSet(): Promise<void> {
    const text = await fetchText();
    await accept(text);
    fetchedAtMillis = now();
    if (file !== undefined) await replaceKeySetFile(file, text);
  }

  async function reportFailure(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (!stopped.signal.aborted) onFailure(error);
    }
  }

  async function runFetch(): Promise<void> {
    await reportFailure(fetchSet());
    running = undefined;
  }

  /** Joins a running fetch, or starts one if the last attempt is long enough ago. Never rejects. */
  function refresh(): Promise<void> {
    if (running) return running;
    if (stopped.signal.aborted || !hasPassed(intervalMillis(), attemptedAtMillis, now())) return Promise.resolve();
    attemptedAtMillis = now();
    running = runFetch();
    return running;
  }

  function peek(keyId: string): CryptoKey | undefined {
    if (!isCurrent()) return undefined;
    if (hasPassed(REFRESH_AFTER_MILLIS, fetchedAtMillis, now())) void refresh();
    return current?.keys.get(keyId);
  }

  async function requireCurrent(): Promise<void> {
    // The fetch may have begun long before, if the machine slept meanwhile, and brought a set that has expired by now.
    if (!isCurrent()) await refresh();
    if (!isCurrent()) throw new KeySetUnavailable(RETRY_INTERVAL_MILLIS / 1_000);
  }

  async function find(keyId: string): Promise<CryptoKey | undefined> {
    const known = peek(keyId);
    if (known) return known;
    await refresh();
    await requireCurrent();
    return peek(keyId);
  }

  async function check(): Promise<void> {
    if (!isCurrent()) await refresh();
    await requireCurrent();
  }

  async function stop(): Promise<void> {
    stopped.abort();
    await running;
  }

  if (file !== undefined) await reportFailure(restore(file));
  return { peek, find, check, stop };
}
