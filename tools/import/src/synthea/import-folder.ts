/** Runs the whole import: doctors, then patients, then encounters. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { CallRefused } from '@daybook/client';
import { EXIT } from '@daybook/service/exit-codes';
import type { Api } from '../api.ts';
import { checkTable, type Table } from '../csv.ts';
import { ImportFailure } from '../import-failure.ts';
import type { Progress } from '../progress.ts';
import type { Report } from '../report.ts';
import { importTable } from '../table-import.ts';
import { createDoctorImport } from './doctors.ts';
import { createEncounterImport } from './encounters.ts';
import { createPatientImport } from './patients.ts';
import { COLUMNS, toEncounter, toPatient, toProvider } from './rows.ts';

export interface ImportOptions {
  readonly folder: string;
  readonly api: Api;
  readonly progress: Progress;
  readonly now: Temporal.Instant;
}

/**
 * Imports the folder into the Daybook of `api`. Existing records stay unchanged.
 * It does not read organizations.csv, because the API has no organizations.
 * @throws ImportFailure before any write, if a file or the Daybook is missing or invalid
 */
export async function importFolder({ folder, api, progress, now }: ImportOptions): Promise<Report> {
  const tableOf = (kind: keyof typeof COLUMNS): Table => {
    const name = `${kind}.csv`;
    return { path: join(folder, name), name, columns: COLUMNS[kind] };
  };
  const tables = { providers: tableOf('providers'), patients: tableOf('patients'), encounters: tableOf('encounters') };
  for (const table of Object.values(tables)) await checkTable(table);
  await checkAccess(api);

  const doctorImport = createDoctorImport(api);
  const doctors = await importTable(
    { table: tables.providers, read: toProvider, importOne: doctorImport.importOne },
    progress,
  );
  const patientImport = createPatientImport(api);
  const patients = await importTable(
    { table: tables.patients, read: toPatient, importOne: patientImport.importOne },
    progress,
  );
  const encounterImport = createEncounterImport({
    api,
    doctors: doctorImport.imported,
    patients: patientImport.imported,
    now,
    run: randomUUID(),
  });
  const appointments = await importTable(
    { table: tables.encounters, read: toEncounter, importOne: encounterImport.importOne },
    progress,
  );
  return { doctors, patients, appointments };
}

/** Sends a small request to every service, so that a missing one is reported once instead of for every row. */
async function checkAccess({ client, send }: Api): Promise<void> {
  const params = { query: { limit: 1 } };
  try {
    await send(() => client.GET('/api/v1/doctors', { params }));
    await send(() => client.GET('/api/v1/patients', { params }));
    await send(() => client.GET('/api/v1/appointments', { params }));
  } catch (error) {
    if (!(error instanceof CallRefused)) throw error;
    const message = `The Daybook does not accept the import: ${error.problem.code}.`;
    throw new ImportFailure(EXIT.unavailable, message, { cause: error });
  }
}
