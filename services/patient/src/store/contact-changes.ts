/**
 * Changes of the e-mail address or phone of a record. A new contact proves nothing for a while, because the person that
 * changed it may want to get into the record. The former address is told.
 */
import {
  type ContactProof,
  DAY,
  type FormerContact,
  type IdentifiedPatient,
  type Patient,
  permit,
  rolesFor,
  type VerifiedCaller,
} from '@daybook/contracts';
import {
  appendEvent,
  type Database,
  idFromBytes,
  idToBytes,
  newId,
  originOf,
  type WriteContext,
} from '@daybook/database';
import type { Clock } from '@daybook/service';
import { contactTermsOf } from '../domain/search-terms.ts';
import { contactChangedEvent, SOURCE } from '../events/published.ts';
import { toPatient } from './patient-row.ts';
import type { Db, PatientTables, Tx } from './tables.ts';

/** How long a changed contact proves nothing. */
const RECENT_DAYS = 7;
const ROWS_A_STEP = 500;

interface ChangeContext {
  readonly now: Temporal.Instant;
  readonly write: Pick<WriteContext<unknown>, 'traceparent'>;
}

/** Records a change of contacts in its transaction. The event lets identity tell the former address. */
export async function recordContactChange(
  tx: Tx,
  before: IdentifiedPatient,
  after: IdentifiedPatient,
  { now, write }: ChangeContext,
): Promise<void> {
  if (before.email === after.email && before.phone === after.phone) return;
  const id = newId();
  await tx
    .insertInto('contact_changes')
    .values({
      id: idToBytes(id),
      patient_id: idToBytes(after.id),
      former_email: before.email ?? null,
      language: before.language ?? null,
      changed_at: now.epochMilliseconds,
    })
    .execute();
  if (before.email !== undefined)
    await appendEvent(tx, contactChangedEvent(id, after.id), originOf(SOURCE, now, write));
}

export interface ContactStore {
  /** Returns whether a contact of a record proves that a person is the patient. */
  proof(caller: VerifiedCaller, patientId: string): Promise<ContactProof | undefined>;
  /** Returns the contact before a change, while the change is recent. */
  former(caller: VerifiedCaller, patientId: string, changeId: string): Promise<FormerContact | undefined>;
}

/** Returns whether another record has one of the contacts. */
async function isShared(db: Db, patient: Patient): Promise<boolean> {
  const other = await db
    .selectFrom('search_terms')
    .select('resource_id')
    .where('term', 'in', contactTermsOf(patient))
    .where('resource_id', '<>', idToBytes(patient.id))
    .limit(1)
    .executeTakeFirst();
  return other !== undefined;
}

export function createContactStore(database: Database<PatientTables>, clock: Clock): ContactStore {
  const oldest = () => clock().epochMilliseconds - RECENT_DAYS * DAY;

  async function wasChanged(db: Db, patientId: string): Promise<boolean> {
    const change = await db
      .selectFrom('contact_changes')
      .select('id')
      .where('patient_id', '=', idToBytes(patientId))
      .where('changed_at', '>', oldest())
      .limit(1)
      .executeTakeFirst();
    return change !== undefined;
  }

  async function doubtAbout(db: Db, patient: Patient): Promise<ContactProof['reason']> {
    if (contactTermsOf(patient).length === 0) return 'no-contact';
    if (await wasChanged(db, patient.id)) return 'changed-recently';
    return (await isShared(db, patient)) ? 'shared' : undefined;
  }

  return {
    async proof(caller, patientId) {
      permit(caller, rolesFor('getContactProof'));
      return database.read(async (db) => {
        const row = await db
          .selectFrom('patients')
          .selectAll()
          .where('id', '=', idToBytes(patientId))
          .executeTakeFirst();
        if (!row) return undefined;
        const reason = await doubtAbout(db, toPatient(row));
        return { id: idFromBytes(row.id), isProof: reason === undefined, ...(reason && { reason }) };
      });
    },

    async former(caller, patientId, changeId) {
      permit(caller, rolesFor('getFormerContact'));
      const row = await database.read((db) =>
        db
          .selectFrom('contact_changes')
          .selectAll()
          .where('id', '=', idToBytes(changeId))
          .where('patient_id', '=', idToBytes(patientId))
          .executeTakeFirst(),
      );
      return (
        row && {
          id: idFromBytes(row.id),
          ...(row.former_email !== null && { email: row.former_email }),
          ...(row.language !== null && { language: row.language }),
        }
      );
    },
  };
}

/** Deletes changes that are no longer recent, with the former contact. Returns how many it read. */
export async function sweepContactChanges(database: Database<PatientTables>, clock: Clock): Promise<number> {
  const before = clock().epochMilliseconds - RECENT_DAYS * DAY;
  return database.write(async (tx) => {
    const old = await tx
      .selectFrom('contact_changes')
      .select('id')
      .where('changed_at', '<=', before)
      .limit(ROWS_A_STEP)
      .execute();
    if (old.length === 0) return 0;
    const ids = old.map(({ id }) => id);
    await tx.deleteFrom('contact_changes').where('id', 'in', ids).execute();
    return old.length;
  });
}
