/** Reads everything that this service has about a patient. */
import {
  instantText,
  type MergeEntry,
  type PatientExport,
  permit,
  rolesFor,
  type VerifiedCaller,
} from '@daybook/contracts';
import { type Database, idFromBytes, idToBytes, isoFromMillis } from '@daybook/database';
import type { Clock } from '@daybook/service';
import { mergedInto } from './merged-records.ts';
import { toPatient } from './patient-row.ts';
import type { Db, PatientTables } from './tables.ts';

export interface PatientExportStore {
  /** Returns the data of a record, or of the one that it was merged into. */
  export(caller: VerifiedCaller, id: string): Promise<PatientExport | undefined>;
}

/** The addresses of the other parts. Each service lets administrators read its own. */
const PARTS: Readonly<Record<PatientExport['parts'][number]['name'], string>> = {
  appointments: '/api/v1/appointments/export',
  messages: '/api/v1/notifications/export',
  access: '/api/v1/accounts/access',
  audit: '/api/v1/audit',
};
const PART_NAMES = ['appointments', 'messages', 'access', 'audit'] as const;

const partsOf = (ids: readonly string[]): PatientExport['parts'] =>
  PART_NAMES.flatMap((name) => ids.map((id) => ({ name, href: `${PARTS[name]}?patientId=${id}&limit=100` })));

async function mergesOf(db: Db, ids: readonly Uint8Array[]): Promise<MergeEntry[]> {
  const rows = await db
    .selectFrom('patient_merge_history')
    .selectAll()
    .where('patient_id', 'in', ids)
    .orderBy('patient_id')
    .orderBy('version')
    .execute();
  return rows.map(({ patient_id, entry }) => ({ patientId: idFromBytes(patient_id), ...JSON.parse(entry) }));
}

async function emergenciesOf(db: Db, ids: readonly Uint8Array[]): Promise<PatientExport['emergencyAccesses']> {
  const rows = await db
    .selectFrom('emergency_accesses')
    .selectAll()
    .where('patient_id', 'in', ids)
    .orderBy('starts_at')
    .execute();
  return rows.map((row) => ({
    id: idFromBytes(row.id),
    patientId: idFromBytes(row.patient_id),
    doctorId: idFromBytes(row.doctor_id),
    accountId: row.caller_id,
    ...(row.reason !== '' && { reason: row.reason }),
    start: isoFromMillis(row.starts_at),
    end: isoFromMillis(row.ends_at),
  }));
}

export function createPatientExportStore(database: Database<PatientTables>, clock: Clock): PatientExportStore {
  return {
    async export(caller, id) {
      permit(caller, rolesFor('exportPatient'));
      return database.read(async (db) => {
        const named = db.selectFrom('patients').select(['id', 'replaced_by']).where('id', '=', idToBytes(id));
        const found = await named.executeTakeFirst();
        if (!found) return undefined;
        const root = found.replaced_by ?? found.id;
        const ids = [root, ...(await mergedInto(db, root))];
        const rows = await db.selectFrom('patients').selectAll().where('id', 'in', ids).orderBy('id').execute();
        const patients = rows.map(toPatient);
        const patient = patients.find((each) => each.id === idFromBytes(root));
        if (!patient) return undefined;
        const basis = rows.find(({ erasure_basis }) => erasure_basis !== null)?.erasure_basis;
        return {
          exportedAt: instantText(clock()),
          patient,
          merged: patients.filter((each) => each !== patient),
          merges: await mergesOf(db, ids),
          emergencyAccesses: await emergenciesOf(db, ids),
          ...(basis && { erasureBasis: basis }),
          parts: partsOf(ids.map(idFromBytes)),
        };
      });
    },
  };
}
