/** Patients are found again by the identifier that Synthea gave them. */
import { CallRefused } from '@daybook/client';
import type { Door } from './door.ts';
import { PATIENT_SYSTEM, type PatientRow } from './rows.ts';
import type { Outcome } from './tally.ts';

/** The API's id by Synthea's. */
export type ImportedPatients = ReadonlyMap<string, string>;

export interface PatientImport {
  readonly imported: ImportedPatients;
  /** @throws CallRefused */
  bring(row: PatientRow): Promise<Outcome>;
}

export function createPatientImport(door: Door): PatientImport {
  const imported = new Map<string, string>();

  const search = (syntheaId: string) =>
    door.list((cursor) =>
      door.client.GET('/api/v1/patients', { params: { query: { q: syntheaId, limit: 100, ...cursor } } }),
    );

  async function find(syntheaId: string): Promise<string | undefined> {
    const found = await search(syntheaId);
    return found.find(({ identifiers = [] }) =>
      identifiers.some(({ system, value }) => system === PATIENT_SYSTEM && value === syntheaId),
    )?.id;
  }

  /** The record that stays, where the one with the identifier was merged: the identifier finds it, and is not its own. */
  async function findMerged(syntheaId: string): Promise<string | undefined> {
    const [stays, ...others] = await search(syntheaId);
    return others.length === 0 ? stays?.id : undefined;
  }

  async function register({ id, patient }: PatientRow): Promise<{ patientId: string; outcome: Outcome }> {
    try {
      const { data, wasGivenBefore } = await door.ask(() =>
        door.client.POST('/api/v1/patients', {
          // Those who are alike there are different people: they have identifiers of their own.
          body: { ...patient, confirmedNew: true },
          params: { header: { 'idempotency-key': `import:patient:${id}` } },
        }),
      );
      return { patientId: data.id, outcome: { kind: wasGivenBefore ? 'known' : 'new' } };
    } catch (error) {
      if (!(error instanceof CallRefused) || error.problem.code !== 'identifier-taken') throw error;
      // Somebody registered the patient since the search, or merged the record into another one.
      const patientId = (await find(id)) ?? (await findMerged(id));
      if (patientId === undefined) throw error;
      return { patientId, outcome: { kind: 'known' } };
    }
  }

  return {
    imported,
    async bring(row) {
      const known = await find(row.id);
      if (known !== undefined) {
        imported.set(row.id, known);
        return { kind: 'known' };
      }
      const { patientId, outcome } = await register(row);
      imported.set(row.id, patientId);
      return outcome;
    },
  };
}
