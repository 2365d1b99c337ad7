/** The whole import: doctors, then patients, then what brings them together. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { CallRefused } from '@daybook/client';
import { checkTable, type Table } from './csv.ts';
import { createDoctorImport } from './doctors.ts';
import type { Door } from './door.ts';
import { createEncounterImport } from './encounters.ts';
import { EXIT, ImportFailure } from './import-failure.ts';
import { createPatientImport } from './patients.ts';
import type { Report } from './report.ts';
import { COLUMNS, toEncounter, toPatient, toProvider } from './rows.ts';
import type { Screen } from './screen.ts';
import { importTable } from './table-import.ts';

export interface ImportParts {
  readonly folder: string;
  readonly door: Door;
  readonly screen: Screen;
  readonly now: Temporal.Instant;
}

/**
 * Brings the folder into the Daybook behind the door. What is there already stays as it is. organizations.csv is not
 * read: the API has nothing that an organization could become.
 * @throws ImportFailure before anything is written, if a file or the Daybook is not there or not as needed
 */
export async function importFolder({ folder, door, screen, now }: ImportParts): Promise<Report> {
  const tableOf = (kind: keyof typeof COLUMNS): Table => {
    const name = `${kind}.csv`;
    return { path: join(folder, name), name, columns: COLUMNS[kind] };
  };
  const tables = { providers: tableOf('providers'), patients: tableOf('patients'), encounters: tableOf('encounters') };
  for (const table of Object.values(tables)) await checkTable(table);
  await checkAccess(door);

  const doctorImport = createDoctorImport(door);
  const doctors = await importTable({ table: tables.providers, read: toProvider, bring: doctorImport.bring }, screen);
  const patientImport = createPatientImport(door);
  const patients = await importTable({ table: tables.patients, read: toPatient, bring: patientImport.bring }, screen);
  const encounterImport = createEncounterImport({
    door,
    doctors: doctorImport.imported,
    patients: patientImport.imported,
    now,
    run: randomUUID(),
  });
  const appointments = await importTable(
    { table: tables.encounters, read: toEncounter, bring: encounterImport.bring },
    screen,
  );
  return { doctors, patients, appointments };
}

/** Asks for something small of every part, so that a missing one is said once, not once for every row. */
async function checkAccess({ client, ask }: Door): Promise<void> {
  const params = { query: { limit: 1 } };
  try {
    await ask(() => client.GET('/api/v1/doctors', { params }));
    await ask(() => client.GET('/api/v1/patients', { params }));
    await ask(() => client.GET('/api/v1/appointments', { params }));
  } catch (error) {
    if (!(error instanceof CallRefused)) throw error;
    const message = `The Daybook does not take the import: ${error.problem.code}.`;
    throw new ImportFailure(EXIT.unavailable, message, { cause: error });
  }
}
