/** Helpers for tests: a temporary system, and a folder to import. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startAllInOne } from '@daybook/launcher';
import { createLogger } from '@daybook/service';
import { COLUMNS } from './synthea/rows.ts';

type Fixture = Record<keyof typeof COLUMNS, readonly string[]>;

/** One doctor, one patient and one visit of 15 minutes, on a Monday at nine at the doctor's. */
export const SMALL: Fixture = {
  providers: ['d1,Ana1 Silva2,GENERAL PRACTICE,MA'],
  patients: ['p1,José,Núñez7,1990-02-01,,M,1 Elm St,Lynn,Massachusetts,01902'],
  encounters: ['e1,2024-01-08T14:00:00Z,2024-01-08T14:15:00Z,p1,d1'],
};

/** Writes a folder. Rows are as in the files, without their headers. */
export async function writeFolder(folder: string, fixture: Fixture): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const kind of ['providers', 'patients', 'encounters'] as const) {
    const lines = [COLUMNS[kind].join(','), ...fixture[kind]];
    await writeFile(join(folder, `${kind}.csv`), `${lines.join('\n')}\n`);
  }
  return folder;
}

export function startSystem(data: string) {
  const config = { DAYBOOK_HOST: '127.0.0.1', DAYBOOK_DATA: data, DAYBOOK_DEMO: 'off', LOG_LEVEL: 'silent' } as const;
  const environment = { DAYBOOK_DATA: data, DAYBOOK_PORT: '0' };
  return startAllInOne(config, environment, createLogger({ level: 'silent' }));
}
