/** Imports patients, which Synthea's identifier identifies. */
import { CallRefused, type Schemas } from '@daybook/client';
import type { Api } from '../api.ts';
import type { Outcome } from '../counts.ts';
import { BadRow, PATIENT_SYSTEM, type PatientRow } from './rows.ts';

/** The API's id by Synthea's. */
export type ImportedPatients = ReadonlyMap<string, string>;

export interface PatientImport {
  readonly imported: ImportedPatients;
  /**
   * Imports one patient.
   * @throws BadRow, CallRefused
   */
  importOne(row: PatientRow): Promise<Outcome>;
}

const hasId = ({ identifiers = [] }: Schemas['Patient'], syntheaId: string): boolean =>
  identifiers.some(({ system, value }) => system === PATIENT_SYSTEM && value === syntheaId);

const SPELLED_LIKE_ANOTHER =
  'Id differs from that of another patient only in case, width, spaces or hyphens, so Daybook takes it for the same';

export function createPatientImport(api: Api): PatientImport {
  const imported = new Map<string, string>();

  async function find(syntheaId: string): Promise<string | undefined> {
    const found = await api.list((cursor) =>
      api.client.GET('/api/v1/patients', { params: { query: { q: syntheaId, limit: 100, ...cursor } } }),
    );
    return found.find((patient) => hasId(patient, syntheaId))?.id;
  }

  async function read(id: string): Promise<Schemas['Patient']> {
    return (await api.send(() => api.client.GET('/api/v1/patients/{id}', { params: { path: { id } } }))).data;
  }

  /** Returns the id of the record that stays when this one was merged. */
  const survivorOf = ({ id, replacedBy = id }: Schemas['Patient']): string => replacedBy;

  /**
   * Returns the patient with the identifier of a row when the search did not find it.
   * Another client registered it since, or its record was merged into another one.
   * @throws BadRow when it is another person, whose identifier differs in its spelling
   */
  async function knownHolder(syntheaId: string, refusal: CallRefused): Promise<string> {
    const { holderId } = refusal.problem;
    if (holderId === undefined) throw refusal;
    const holder = await read(holderId);
    if (!hasId(holder, syntheaId)) throw new BadRow(SPELLED_LIKE_ANOTHER);
    return survivorOf(holder);
  }

  async function register({ id, patient }: PatientRow): Promise<{ patientId: string; outcome: Outcome }> {
    try {
      const { data, isReplay, wasReplayed } = await api.send(() =>
        api.client.POST('/api/v1/patients', {
          // Similar patients in the file are different people, because they have their own identifiers.
          body: { ...patient, confirmedNew: true },
          params: { header: { 'idempotency-key': `import:patient:${id}` } },
        }),
      );
      // A stored response is from the registration, before any merge.
      const patientId = isReplay ? survivorOf(await read(data.id)) : data.id;
      return { patientId, outcome: { kind: wasReplayed ? 'known' : 'new' } };
    } catch (error) {
      if (!(error instanceof CallRefused)) throw error;
      if (error.problem.code === 'patient-erased') throw new BadRow('the data of this patient was erased');
      if (error.problem.code !== 'identifier-taken') throw error;
      return { patientId: await knownHolder(id, error), outcome: { kind: 'known' } };
    }
  }

  return {
    imported,
    async importOne(row) {
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
