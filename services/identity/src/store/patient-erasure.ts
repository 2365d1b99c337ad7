/** What identity does about erased patients, and whom it tells of emergencies. */
import { type Database, idFromBytes, idToBytes } from '@daybook/database';
import type { Clock } from '@daybook/service';
import type { IdentityTransaction } from './accounts.ts';
import { createAuditTrail } from './audit.ts';
import type { IdentityTables } from './tables.ts';

/** The program that an erasure comes from. The person is in the entry of the erasure itself. */
const ACTOR = { id: 'patient-service', role: 'service' } as const;

/** Returns the accounts of the administrators that can sign in. */
export async function activeAdministrators(tx: IdentityTransaction): Promise<string[]> {
  const rows = await tx
    .selectFrom('accounts')
    .select('id')
    .where('role', '=', 'administrator')
    .where('status', '=', 'active')
    .orderBy('id')
    .execute();
  return rows.map(({ id }) => idFromBytes(id));
}

/** Returns a function that ends the links, codes and mails of a patient. A second time it changes nothing. */
export function createPatientErasure(database: Database<IdentityTables>, clock: Clock) {
  const audit = createAuditTrail(database, clock);
  return async (tx: IdentityTransaction, patientId: string): Promise<void> => {
    const patient_id = idToBytes(patientId);
    const links = await tx
      .selectFrom('account_patients')
      .select('account_id')
      .where('patient_id', '=', patient_id)
      .orderBy('account_id')
      .$if(database.dialect.supportsRowLocks, (query) => query.forUpdate())
      .execute();
    await tx.deleteFrom('account_patients').where('patient_id', '=', patient_id).execute();
    await tx.deleteFrom('link_codes').where('patient_id', '=', patient_id).execute();
    await tx.deleteFrom('mail_outbox').where('patient_id', '=', patient_id).execute();
    if (links.length === 0) return;
    await audit.appendAllIn(
      tx,
      links.map(({ account_id }) => ({
        action: 'patient-link-revoked',
        actor: ACTOR,
        accountId: idFromBytes(account_id),
        patientIds: [patientId],
        detail: 'erasure',
      })),
    );
  };
}
