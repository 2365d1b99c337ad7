/** The accounts of people, and the patients that they act for. */
import {
  type AccountRole,
  type AccountStatus,
  nameTerms,
  Refusal,
  type Relation,
  toSearchKey,
} from '@daybook/contracts';
import { type Database, idFromBytes, idToBytes, newId, type SharedTables, writeSearchTerms } from '@daybook/database';
import type { Clock } from '@daybook/service';
import type { Transaction } from 'kysely';
import { MAX_PATIENTS } from '../domain/account.ts';
import { isForeignLoginKey, loginKeyOf } from '../domain/login-key.ts';
import type { AccountRow, IdentityTables } from './tables.ts';

export type IdentityTransaction = Transaction<IdentityTables & SharedTables>;

export interface Account {
  readonly id: string;
  readonly role: AccountRole;
  readonly status: AccountStatus;
  readonly email: string;
  readonly displayName: string;
  readonly doctorId?: string;
  readonly locale: string;
  readonly version: number;
  /** The person signs in at a foreign issuer, and has no credentials here. */
  readonly isForeign?: true;
}

export type NewAccount = Omit<Account, 'id' | 'version' | 'isForeign'>;

/** What a sign-in needs to know about an account. */
export interface SignInAccount {
  readonly account: Account;
  readonly passwordHash: string | undefined;
  readonly hasTotp: boolean;
}

/** What tokens say about an account. */
export interface AccountClaims {
  readonly account: Account;
  readonly patientIds: readonly string[];
}

/** A patient that an account acts for. */
export interface PatientLink {
  readonly patientId: string;
  readonly relation: Relation;
  /** Undefined for a link without an end. */
  readonly endsAt?: Temporal.Instant;
}

export interface AccountStore {
  /**
   * Creates an account.
   * @throws Refusal `name-taken` when another account has the e-mail address or the doctor
   */
  create(input: NewAccount): Promise<Account>;
  find(id: string): Promise<Account | undefined>;
  findForSignIn(email: string): Promise<SignInAccount | undefined>;
  /** Returns an active account with the patients that it acts for now. */
  findClaims(id: string): Promise<AccountClaims | undefined>;
  hasAdministrator(): Promise<boolean>;
  /**
   * Changes whether an account can be used. A disabled one loses its sessions immediately.
   * @throws Refusal `not-found`
   */
  setStatus(id: string, status: AccountStatus): Promise<void>;
  /**
   * Lets an account act for a patient, or changes how.
   * @throws Refusal `not-found`, `invalid-request` when it acts for too many
   */
  linkPatient(id: string, link: PatientLink): Promise<void>;
  unlinkPatient(id: string, patientId: string): Promise<void>;
  patientsOf(id: string): Promise<PatientLink[]>;
}

export function toAccount(row: AccountRow): Account {
  return {
    id: idFromBytes(row.id),
    role: row.role,
    status: row.status,
    email: row.email,
    displayName: row.display_name,
    ...(row.doctor_id !== null && { doctorId: idFromBytes(row.doctor_id) }),
    locale: row.locale,
    version: row.version,
    ...(isForeignLoginKey(row.login_key) && { isForeign: true }),
  };
}

/** The first character of a term marks its kind. */
export const EMAIL_TERM = 'e';

/** Writes the terms by which an account is found. */
export const indexAccount = (
  tx: IdentityTransaction,
  { id, email, displayName }: Pick<Account, 'id' | 'email' | 'displayName'>,
): Promise<void> =>
  writeSearchTerms(tx, idToBytes(id), [
    ...nameTerms(undefined, displayName),
    ...(email === '' ? [] : [EMAIL_TERM + toSearchKey(email)]),
  ]);

export const TAKEN = 'Another account has this e-mail address, or belongs to this doctor.';

/**
 * Inserts an account.
 * @param loginKey what it is found by at a sign-in
 * @throws Refusal `name-taken`
 */
export async function insertAccount(
  tx: IdentityTransaction,
  { dialect }: Pick<Database, 'dialect'>,
  input: NewAccount,
  nowMillis: number,
  loginKey = loginKeyOf(input.email),
): Promise<Account> {
  const account: Account = { ...input, id: newId(), version: 1 };
  try {
    await tx
      .insertInto('accounts')
      .values({
        id: idToBytes(account.id),
        role: account.role,
        status: account.status,
        login_key: loginKey,
        email: account.email,
        display_name: account.displayName,
        doctor_id: account.doctorId === undefined ? null : idToBytes(account.doctorId),
        locale: account.locale,
        version: account.version,
        created_at: nowMillis,
        updated_at: nowMillis,
      })
      .execute();
  } catch (error) {
    if (!dialect.isUniqueViolation(error)) throw error;
    throw new Refusal('name-taken', TAKEN);
  }
  await indexAccount(tx, account);
  return account;
}

/** Locks an account, so that its links and status do not change meanwhile. */
export const lockAccount = (
  tx: IdentityTransaction,
  { dialect }: Pick<Database, 'dialect'>,
  id: Uint8Array,
): Promise<AccountRow | undefined> =>
  tx
    .selectFrom('accounts')
    .selectAll()
    .where('id', '=', id)
    .$if(dialect.supportsRowLocks, (query) => query.forUpdate())
    .executeTakeFirst();

/** Marks an account as usable, once its owner has set up credentials. */
export async function activateAccount(
  tx: IdentityTransaction,
  { id, version }: Account,
  nowMillis: number,
): Promise<void> {
  await tx
    .updateTable('accounts')
    .set({ status: 'active', version: version + 1, updated_at: nowMillis })
    .where('id', '=', idToBytes(id))
    .where('status', '=', 'invited')
    .execute();
}

export const noAccount = () => new Refusal('not-found', 'There is no such account.');

/**
 * Lets an account act for a patient, or changes how.
 * @throws Refusal `not-found`, `invalid-request` when it acts for too many
 */
export async function linkPatientIn(
  tx: IdentityTransaction,
  database: Pick<Database, 'dialect'>,
  id: string,
  { patientId, relation, endsAt }: PatientLink,
  nowMillis: number,
): Promise<void> {
  const [account_id, patient_id] = [idToBytes(id), idToBytes(patientId)];
  if (!(await lockAccount(tx, database, account_id))) throw noAccount();
  // A link that has ended makes room for another one.
  await tx
    .deleteFrom('account_patients')
    .where('account_id', '=', account_id)
    .where('ends_at', '<=', nowMillis)
    .execute();
  await tx
    .deleteFrom('account_patients')
    .where('account_id', '=', account_id)
    .where('patient_id', '=', patient_id)
    .execute();
  const others = await tx
    .selectFrom('account_patients')
    .select('patient_id')
    .where('account_id', '=', account_id)
    .execute();
  if (others.length >= MAX_PATIENTS) {
    throw new Refusal('invalid-request', `An account acts for at most ${MAX_PATIENTS} patients.`);
  }
  await tx
    .insertInto('account_patients')
    .values({ account_id, patient_id, relation, ends_at: endsAt?.epochMilliseconds ?? null, created_at: nowMillis })
    .execute();
}

export function createAccountStore(database: Database<IdentityTables>, clock: Clock): AccountStore {
  const now = () => clock().epochMilliseconds;

  async function livePatientsOf(id: Uint8Array): Promise<PatientLink[]> {
    const rows = await database.read((db) =>
      db
        .selectFrom('account_patients')
        .selectAll()
        .where('account_id', '=', id)
        .where((row) => row.or([row('ends_at', 'is', null), row('ends_at', '>', now())]))
        .orderBy('patient_id')
        .limit(MAX_PATIENTS)
        .execute(),
    );
    return rows.map(({ patient_id, relation, ends_at }) => ({
      patientId: idFromBytes(patient_id),
      relation,
      ...(ends_at !== null && { endsAt: Temporal.Instant.fromEpochMilliseconds(ends_at) }),
    }));
  }

  async function find(id: string): Promise<Account | undefined> {
    const row = await database.read((db) =>
      db.selectFrom('accounts').selectAll().where('id', '=', idToBytes(id)).executeTakeFirst(),
    );
    return row && toAccount(row);
  }

  return {
    find,
    create: (input) => database.write((tx) => insertAccount(tx, database, input, now())),

    async findForSignIn(email) {
      const row = await database.read((db) =>
        db
          .selectFrom('accounts')
          .leftJoin('passwords', 'passwords.account_id', 'accounts.id')
          .leftJoin('totp_secrets', 'totp_secrets.account_id', 'accounts.id')
          .selectAll('accounts')
          .select(['passwords.hash', 'totp_secrets.created_at as totp_created_at'])
          .where('login_key', '=', loginKeyOf(email))
          .executeTakeFirst(),
      );
      return (
        row && { account: toAccount(row), passwordHash: row.hash ?? undefined, hasTotp: row.totp_created_at !== null }
      );
    },

    async findClaims(id) {
      const account = await find(id);
      if (account?.status !== 'active') return undefined;
      const links = await livePatientsOf(idToBytes(id));
      return { account, patientIds: links.map(({ patientId }) => patientId) };
    },

    async hasAdministrator() {
      const row = await database.read((db) =>
        db
          .selectFrom('accounts')
          .select('id')
          .where('role', '=', 'administrator')
          .where('status', '=', 'active')
          .limit(1)
          .executeTakeFirst(),
      );
      return row !== undefined;
    },

    async setStatus(id, status) {
      const key = idToBytes(id);
      await database.write(async (tx) => {
        const row = await lockAccount(tx, database, key);
        if (!row) throw noAccount();
        await tx
          .updateTable('accounts')
          .set({ status, version: row.version + 1, updated_at: now() })
          .where('id', '=', key)
          .execute();
        if (status === 'active') return;
        await tx.deleteFrom('sessions').where('account_id', '=', key).execute();
        await tx.deleteFrom('pending_sign_ins').where('account_id', '=', key).execute();
      });
    },

    linkPatient: (id, link) => database.write((tx) => linkPatientIn(tx, database, id, link, now())),

    async unlinkPatient(id, patientId) {
      await database.write((tx) =>
        tx
          .deleteFrom('account_patients')
          .where('account_id', '=', idToBytes(id))
          .where('patient_id', '=', idToBytes(patientId))
          .execute(),
      );
    },

    patientsOf: (id) => livePatientsOf(idToBytes(id)),
  };
}
