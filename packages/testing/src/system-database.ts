/** The databases of a whole system, on the server of the current test run. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createConnection } from 'mysql2/promise';
import { afterAll, inject } from 'vitest';
import { type DaybookOptions, type DaybookProcess, startDaybook } from './daybook-process.ts';

const { kind, serverUrl } = inject('database');
const SERVICES = ['identity', 'patient', 'doctor', 'appointment', 'notification'] as const;
type ServiceName = (typeof SERVICES)[number];

const prefixes = new Set<string>();

const prefixOf = (data: string): string =>
  `daybook_test_${createHash('sha256').update(data).digest('hex').slice(0, 16)}`;

if (kind !== 'sqlite') {
  afterAll(async () => {
    const admin = await createConnection({ uri: serverUrl });
    for (const prefix of prefixes) {
      for (const service of SERVICES) await admin.query(`drop database if exists ${prefix}_${service}`);
    }
    await admin.end();
  });
}

/** Returns the variables for a system on this data folder: none for SQLite, whose files are in the folder. */
export function environmentOn(data: string): Record<string, string> {
  if (kind === 'sqlite') return {};
  prefixes.add(prefixOf(data));
  return { DAYBOOK_MYSQL_URL: `${serverUrl}/${prefixOf(data)}` };
}

/** Starts Daybook like `startDaybook`, on the tested kind of database. */
export const startDaybookOnDatabase = (options: DaybookOptions): Promise<DaybookProcess> =>
  startDaybook({ ...options, environment: { ...environmentOn(options.data), ...options.environment } });

/** Returns rows of a service's database. */
export async function rowsOf(data: string, service: ServiceName, query: string): Promise<Record<string, unknown>[]> {
  if (kind === 'sqlite') {
    const database = new DatabaseSync(join(data, `${service}.sqlite`), { readOnly: true });
    try {
      return database.prepare(query).all();
    } finally {
      database.close();
    }
  }
  const connection = await createConnection({ uri: `${serverUrl}/${prefixOf(data)}_${service}` });
  try {
    const [rows] = await connection.query(query);
    return Array.isArray(rows) ? rows.map((row) => ({ ...row })) : [];
  } finally {
    await connection.end();
  }
}
