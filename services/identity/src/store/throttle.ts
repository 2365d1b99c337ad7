/**
 * Slows down guessing. An attempt counts as failed before it is checked, so simultaneous attempts count as well.
 *
 * A stranger must not be able to lock anybody out. So failures pause only what the stranger controls: an address, and
 * an account from that address. A browser that has signed in to the account before has its own count. When many
 * addresses guess at one account, each further address gets one attempt before its pause instead of three.
 */
import { createHash } from 'node:crypto';
import type { Database } from '@daybook/database';
import type { Clock } from '@daybook/service';
import {
  ADDRESS,
  ATTACK_FAILURES,
  CODES,
  DEVICE,
  FORGET_AFTER_MILLIS,
  PAIR,
  PAIR_UNDER_ATTACK,
  pauseMillisAfter,
  type ThrottlePolicy,
} from '../domain/throttling.ts';
import type { IdentityTransaction } from './accounts.ts';
import type { IdentityTables, ThrottleRow } from './tables.ts';

/** An attempt to sign in with a password. */
export interface PasswordAttempt {
  /** In the form of `loginKeyOf`; whether such an account exists does not matter. */
  readonly loginKey: string;
  readonly address: string;
  /** The id of the browser, if it has signed in to this account before. */
  readonly deviceId?: string | undefined;
}

/** An attempt that may be made. It counts as failed until it succeeds. */
export interface CountedAttempt {
  /** Takes back that the attempt counts as failed. */
  succeed(): Promise<void>;
}

export type Throttled = { readonly retryAfterSeconds: number };

export interface Throttle {
  beginPassword(attempt: PasswordAttempt): Promise<CountedAttempt | Throttled>;
  /** For codes after a correct password, of a known account. */
  beginCode(accountId: string): Promise<CountedAttempt | Throttled>;
  /** For mails that a stranger can request. Every request counts. */
  beginRecovery(attempt: { loginKey: string; address: string }): Promise<CountedAttempt | Throttled>;
  /** For codes that link a patient record, of a signed-in account. */
  beginLinking(attempt: { accountId: string; address: string }): Promise<CountedAttempt | Throttled>;
  /** For browsers that come back from a foreign issuer, each of which costs a request there. */
  beginForeign(address: string): Promise<CountedAttempt | Throttled>;
}

/** What counts the failures of an attempt. */
interface Counter {
  readonly kind:
    | 'pair'
    | 'device'
    | 'address'
    | 'account'
    | 'code'
    | 'link'
    | 'foreign-address'
    | 'link-address'
    | 'recovery'
    | 'recovery-address';
  readonly subject: readonly string[];
  /** Undefined for a counter that never pauses. */
  readonly policy: ThrottlePolicy | undefined;
  /** Whether a success forgets all failures, and not only that of the attempt. */
  readonly isForgiven: boolean;
}

const keyOf = ({ kind, subject }: Counter): Uint8Array =>
  createHash('sha256')
    .update(JSON.stringify([kind, ...subject]))
    .digest();

const NO_FAILURES = { failures: 0, paused_until: 0, ends_at: 0 };

export function createThrottle(database: Database<IdentityTables>, clock: Clock): Throttle {
  const now = () => clock().epochMilliseconds;

  const selectRows = (tx: IdentityTransaction, keys: readonly Uint8Array[]): Promise<ThrottleRow[]> =>
    tx
      .selectFrom('throttles')
      .selectAll()
      .where('key_hash', 'in', keys)
      .orderBy('key_hash')
      .$if(database.dialect.supportsRowLocks, (query) => query.forUpdate())
      .execute();

  /** Locks the rows of counters, in one order for all transactions, which prevents deadlocks. */
  async function lockRows(tx: IdentityTransaction, counters: readonly Counter[]): Promise<Map<Counter, ThrottleRow>> {
    const keys = counters.map(keyOf).toSorted(Buffer.compare);
    let rows = await selectRows(tx, keys);
    if (rows.length < keys.length) {
      for (const key_hash of keys) {
        await tx
          .insertInto('throttles')
          .ignore()
          .values({ key_hash, ...NO_FAILURES })
          .execute();
      }
      rows = await selectRows(tx, keys);
    }
    return new Map(
      counters.map((counter) => {
        const key_hash = keyOf(counter);
        const row = rows.find((row) => Buffer.compare(row.key_hash, key_hash) === 0);
        const isCurrent = row !== undefined && row.ends_at > now();
        return [counter, isCurrent ? row : { key_hash, ...NO_FAILURES }];
      }),
    );
  }

  async function count(tx: IdentityTransaction, { key_hash, failures }: ThrottleRow, policy?: ThrottlePolicy) {
    const pause = policy ? pauseMillisAfter(failures + 1, policy) : 0;
    await tx
      .updateTable('throttles')
      .set({
        failures: failures + 1,
        paused_until: now() + pause,
        ends_at: now() + Math.max(pause, FORGET_AFTER_MILLIS),
      })
      .where('key_hash', '=', key_hash)
      .execute();
  }

  /** The counter of an account makes that of an address stricter. */
  const policyOf = ({ kind, policy }: Counter, rows: ReadonlyMap<Counter, ThrottleRow>): ThrottlePolicy | undefined => {
    if (kind !== 'pair') return policy;
    const account = [...rows].find(([counter]) => counter.kind === 'account')?.[1];
    return (account?.failures ?? 0) >= ATTACK_FAILURES ? PAIR_UNDER_ATTACK : policy;
  };

  async function succeed(counters: readonly Counter[]): Promise<void> {
    await database.write(async (tx) => {
      const rows = await lockRows(tx, counters);
      for (const [{ isForgiven }, { key_hash, failures }] of rows) {
        if (isForgiven || failures <= 1) {
          await tx.deleteFrom('throttles').where('key_hash', '=', key_hash).execute();
        } else {
          await tx
            .updateTable('throttles')
            .set({ failures: failures - 1, paused_until: 0 })
            .where('key_hash', '=', key_hash)
            .execute();
        }
      }
    });
  }

  async function begin(counters: readonly Counter[]): Promise<CountedAttempt | Throttled> {
    const pausedMillis = await database.write(async (tx) => {
      const rows = await lockRows(tx, counters);
      const longest = Math.max(...[...rows.values()].map(({ paused_until }) => paused_until - now()));
      if (longest > 0) return longest;
      for (const [counter, row] of rows) await count(tx, row, policyOf(counter, rows));
      return 0;
    });
    if (pausedMillis > 0) return { retryAfterSeconds: Math.ceil(pausedMillis / 1_000) };
    return { succeed: () => succeed(counters) };
  }

  return {
    beginPassword({ loginKey, address, deviceId }) {
      if (deviceId !== undefined) {
        return begin([{ kind: 'device', subject: [loginKey, deviceId], policy: DEVICE, isForgiven: true }]);
      }
      return begin([
        { kind: 'pair', subject: [loginKey, address], policy: PAIR, isForgiven: true },
        { kind: 'address', subject: [address], policy: ADDRESS, isForgiven: false },
        { kind: 'account', subject: [loginKey], policy: undefined, isForgiven: false },
      ]);
    },
    beginRecovery: ({ loginKey, address }) =>
      begin([
        { kind: 'recovery', subject: [loginKey, address], policy: PAIR, isForgiven: false },
        { kind: 'recovery-address', subject: [address], policy: ADDRESS, isForgiven: false },
      ]),
    beginLinking: ({ accountId, address }) =>
      begin([
        { kind: 'link', subject: [accountId], policy: CODES, isForgiven: true },
        { kind: 'link-address', subject: [address], policy: ADDRESS, isForgiven: false },
      ]),
    beginForeign: (address) =>
      begin([{ kind: 'foreign-address', subject: [address], policy: ADDRESS, isForgiven: false }]),
    beginCode: (accountId) => begin([{ kind: 'code', subject: [accountId], policy: CODES, isForgiven: true }]),
  };
}
