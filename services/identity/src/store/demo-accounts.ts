/** The accounts of the demo clinic, which sign in without a password on the machine of the demo. */
import type { AccountRole } from '@daybook/contracts';
import { type Database, idFromBytes, idToBytes } from '@daybook/database';
import type { Clock } from '@daybook/service';
import { type Account, type IdentityTransaction, insertAccount, linkPatientIn, toAccount } from './accounts.ts';
import type { IdentityTables } from './tables.ts';

/** An undetermined language (BCP 47), so that pages are in the one of the visitor's browser. */
const LOCALE = 'und';

/** A person of the demo clinic. */
export interface DemoPerson {
  readonly role: AccountRole;
  readonly email: string;
  readonly displayName: string;
  /** The record of a patient. */
  readonly patientId?: string;
  /** The record of a doctor. */
  readonly doctorId?: string;
}

export interface DemoAccountStore {
  /** Returns the active accounts of the demo. Other data has none. */
  list(): Promise<Account[]>;
  find(role: AccountRole): Promise<Account | undefined>;
  /**
   * Makes the accounts, or links those of an earlier seed to the present records. Returns false, and makes none, where
   * there are other accounts, because data with people of its own is not a demo.
   */
  prepare(people: readonly DemoPerson[]): Promise<boolean>;
}

export function createDemoAccountStore(database: Database<IdentityTables>, clock: Clock): DemoAccountStore {
  async function list(): Promise<Account[]> {
    const rows = await database.read((db) =>
      db
        .selectFrom('demo_accounts')
        .innerJoin('accounts', 'accounts.id', 'demo_accounts.account_id')
        .selectAll('accounts')
        .where('accounts.status', '=', 'active')
        .execute(),
    );
    return rows.map(toAccount);
  }

  const findOther = (tx: IdentityTransaction) =>
    tx
      .selectFrom('accounts')
      .select('id')
      .where('id', 'not in', (query) => query.selectFrom('demo_accounts').select('account_id'))
      .limit(1)
      .executeTakeFirst();

  async function make(tx: IdentityTransaction, person: DemoPerson, nowMillis: number): Promise<string> {
    const { role, email, displayName, doctorId } = person;
    const input = { role, status: 'active', email, displayName, locale: LOCALE } as const;
    const { id } = await insertAccount(
      tx,
      database,
      { ...input, ...(doctorId !== undefined && { doctorId }) },
      nowMillis,
    );
    await tx
      .insertInto('demo_accounts')
      .values({ role, account_id: idToBytes(id) })
      .execute();
    return id;
  }

  async function prepareOne(tx: IdentityTransaction, person: DemoPerson): Promise<void> {
    const nowMillis = clock().epochMilliseconds;
    const { role, patientId, doctorId } = person;
    const existing = await tx
      .selectFrom('demo_accounts')
      .select('account_id')
      .where('role', '=', role)
      .executeTakeFirst();
    if (existing && doctorId !== undefined) {
      const doctor_id = idToBytes(doctorId);
      await tx.updateTable('accounts').set({ doctor_id }).where('id', '=', existing.account_id).execute();
    }
    const id = existing ? idFromBytes(existing.account_id) : await make(tx, person, nowMillis);
    if (patientId === undefined) return;
    await tx.deleteFrom('account_patients').where('account_id', '=', idToBytes(id)).execute();
    await linkPatientIn(tx, database, id, { patientId, relation: 'self' }, nowMillis);
  }

  return {
    list,
    find: async (role) => (await list()).find((account) => account.role === role),
    prepare: (people) =>
      database.write(async (tx) => {
        if (await findOther(tx)) return false;
        for (const person of people) await prepareOne(tx, person);
        return true;
      }),
  };
}
