/** Sign-in sessions. A session is found by the hash of its id, so the table opens none. */
import { type Database, idToBytes, instantFromMillis } from '@daybook/database';
import type { Clock } from '@daybook/service';
import { hashOfSecret, newSecret } from '../credentials/secrets.ts';
import { sessionLimitsOf } from '../domain/account.ts';
import { type Account, type IdentityTransaction, toAccount } from './accounts.ts';
import type { AccountRow, IdentityTables, SessionRow } from './tables.ts';

/**
/**
 * The methods of a sign-in (RFC 8176 and its registry): password, one-time code, proof of a key (a passkey). Those for
 * a recovery code, a foreign issuer and an account of the demo are not registered.
 */
export type Method = 'pwd' | 'otp' | 'pop' | 'recovery' | 'foreign' | 'demo';

/** The most sessions of one account. A further one ends the oldest. */
export const MAX_SESSIONS = 20;
/** Activity is written once in this time, because most requests come in bursts. */
const ACTIVITY_INTERVAL_MILLIS = 60_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

export interface Session {
  /** The hash of the id in hexadecimal. It names the session and does not open it. */
  readonly handle: string;
  readonly methods: readonly Method[];
  readonly device: string;
  readonly authenticatedAt: Temporal.Instant;
  readonly lastActiveAt: Temporal.Instant;
  /** Never later than `endsAt`. */
  readonly idleEndsAt: Temporal.Instant;
  readonly endsAt: Temporal.Instant;
}

/** A session and the active account that it belongs to. */
export interface SignedIn {
  readonly session: Session;
  readonly account: Account;
}

export interface NewSession {
  readonly account: Pick<Account, 'id' | 'role'>;
  readonly methods: readonly Method[];
  readonly device: string;
  /** When the person showed credentials, if that was not now. */
  readonly authenticatedAt?: Temporal.Instant;
}

export interface SessionStore {
  /** Starts a session. Returns its id, which is stored nowhere. */
  start(session: NewSession): Promise<string>;
  startIn(tx: IdentityTransaction, session: NewSession): Promise<string>;
  /** Returns a live session. `isActive` states that the person did something, which renews the idle time. */
  find(id: string, options: { isActive: boolean }): Promise<SignedIn | undefined>;
  list(accountId: string): Promise<Session[]>;
  end(id: string): Promise<void>;
  /** Returns a live session by its handle. That is not activity. */
  findByHandle(handle: string): Promise<SignedIn | undefined>;
  /** Ends one session of an account. Returns false if the account has no such session. */
  endByHandle(accountId: string, handle: string): Promise<boolean>;
  endOthers(accountId: string, handle: string): Promise<void>;
  endOthersIn(tx: IdentityTransaction, accountId: string, handle: string): Promise<void>;
  endAllIn(tx: IdentityTransaction, accountId: string): Promise<void>;
  /** Connects a session of oidc-provider with a live sign-in session, and ends with it. Returns false if it has ended. */
  attachOidc(uid: string, handle: string): Promise<boolean>;
  /** Returns the live session that a session of oidc-provider belongs to. */
  findByOidc(uid: string): Promise<SignedIn | undefined>;
}

const hashOfHandle = (handle: string): Uint8Array => Buffer.from(handle, 'hex');

const toSession = (row: SessionRow): Session => ({
  handle: Buffer.from(row.id_hash).toString('hex'),
  methods: row.methods.split(' ') as Method[],
  device: row.device,
  authenticatedAt: instantFromMillis(row.authenticated_at),
  lastActiveAt: instantFromMillis(row.last_active_at),
  idleEndsAt: instantFromMillis(row.idle_ends_at),
  endsAt: instantFromMillis(row.ends_at),
});

export function createSessionStore(database: Database<IdentityTables>, clock: Clock): SessionStore {
  const now = () => clock().epochMilliseconds;

  /** Deletes the oldest sessions of an account, so that there is room for one more. */
  async function makeRoom(tx: IdentityTransaction, account_id: Uint8Array): Promise<void> {
    const rows = await tx
      .selectFrom('sessions')
      .select('id_hash')
      .where('account_id', '=', account_id)
      .orderBy('authenticated_at', 'desc')
      .execute();
    const surplus = rows.slice(MAX_SESSIONS - 1).map(({ id_hash }) => id_hash);
    if (surplus.length > 0) await tx.deleteFrom('sessions').where('id_hash', 'in', surplus).execute();
  }

  async function startIn(tx: IdentityTransaction, session: NewSession): Promise<string> {
    const { account, methods, device, authenticatedAt } = session;
    const id = newSecret();
    const at = now();
    const { idleMinutes, totalHours } = sessionLimitsOf(account.role);
    const account_id = idToBytes(account.id);
    await makeRoom(tx, account_id);
    await tx
      .insertInto('sessions')
      .values({
        id_hash: hashOfSecret(id),
        account_id,
        methods: methods.join(' '),
        device,
        authenticated_at: Math.min(at, authenticatedAt?.epochMilliseconds ?? at),
        last_active_at: at,
        idle_ends_at: at + idleMinutes * MINUTE,
        ends_at: at + totalHours * HOUR,
      })
      .execute();
    return id;
  }

  async function findRow(hash: Uint8Array) {
    return database.read((db) =>
      db
        .selectFrom('sessions')
        .innerJoin('accounts', 'accounts.id', 'sessions.account_id')
        .selectAll(['accounts', 'sessions'])
        .where('sessions.id_hash', '=', hash)
        .where('sessions.idle_ends_at', '>', now())
        .where('accounts.status', '=', 'active')
        .executeTakeFirst(),
    );
  }

  async function noteActivity(row: SessionRow & AccountRow): Promise<void> {
    const at = now();
    if (at - row.last_active_at < ACTIVITY_INTERVAL_MILLIS) return;
    const idle_ends_at = Math.min(at + sessionLimitsOf(row.role).idleMinutes * MINUTE, row.ends_at);
    await database.write((tx) =>
      tx
        .updateTable('sessions')
        .set({ last_active_at: at, idle_ends_at })
        .where('id_hash', '=', row.id_hash)
        .where('last_active_at', '<', at)
        .execute(),
    );
  }

  async function findByHash(hash: Uint8Array, isActive: boolean): Promise<SignedIn | undefined> {
    const row = await findRow(hash);
    if (!row) return undefined;
    if (isActive) await noteActivity(row);
    return { session: toSession(row), account: toAccount({ ...row, id: row.account_id }) };
  }

  async function endOthersIn(tx: IdentityTransaction, accountId: string, handle: string): Promise<void> {
    await tx
      .deleteFrom('sessions')
      .where('account_id', '=', idToBytes(accountId))
      .where('id_hash', '<>', hashOfHandle(handle))
      .execute();
  }

  return {
    startIn,
    start: (session) => database.write((tx) => startIn(tx, session)),
    find: (id, { isActive }) => findByHash(hashOfSecret(id), isActive),

    async list(accountId) {
      const rows = await database.read((db) =>
        db
          .selectFrom('sessions')
          .selectAll()
          .where('account_id', '=', idToBytes(accountId))
          .where('idle_ends_at', '>', now())
          .orderBy('authenticated_at', 'desc')
          .limit(MAX_SESSIONS)
          .execute(),
      );
      return rows.map(toSession);
    },

    async end(id) {
      await database.write((tx) => tx.deleteFrom('sessions').where('id_hash', '=', hashOfSecret(id)).execute());
    },

    findByHandle: (handle) => findByHash(hashOfHandle(handle), false),

    async endByHandle(accountId, handle) {
      const { numDeletedRows } = await database.write((tx) =>
        tx
          .deleteFrom('sessions')
          .where('id_hash', '=', hashOfHandle(handle))
          .where('account_id', '=', idToBytes(accountId))
          .executeTakeFirst(),
      );
      return numDeletedRows > 0n;
    },

    endOthersIn,
    endOthers: (accountId, handle) => database.write((tx) => endOthersIn(tx, accountId, handle)),

    async endAllIn(tx, accountId) {
      await tx.deleteFrom('sessions').where('account_id', '=', idToBytes(accountId)).execute();
    },

    async attachOidc(uid, handle) {
      const uid_hash = hashOfSecret(uid);
      const session_hash = hashOfHandle(handle);
      return database.write(async (tx) => {
        const session = await tx
          .selectFrom('sessions')
          .select('id_hash')
          .where('id_hash', '=', session_hash)
          .$if(database.dialect.supportsRowLocks, (query) => query.forUpdate())
          .executeTakeFirst();
        if (!session) return false;
        await tx.deleteFrom('oidc_sessions').where('uid_hash', '=', uid_hash).execute();
        await tx.insertInto('oidc_sessions').values({ uid_hash, session_hash }).execute();
        return true;
      });
    },

    async findByOidc(uid) {
      const row = await database.read((db) =>
        db
          .selectFrom('oidc_sessions')
          .select('session_hash')
          .where('uid_hash', '=', hashOfSecret(uid))
          .executeTakeFirst(),
      );
      return row && findByHash(row.session_hash, false);
    },
  };
}
