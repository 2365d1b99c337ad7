/** The storage of the bench's systems: a folder of SQLite files, or databases on a MySQL server. */
import { temporaryFolder } from '@daybook/testing';
import { createConnection } from 'mysql2/promise';
import type { LoadedAppointment } from './loaded-appointment.ts';
import { loadIntoMysql } from './mysql-loader.ts';
import { loadIntoSqlite } from './sqlite-loader.ts';

export interface Storage extends AsyncDisposable {
  /** The data folder. */
  readonly data: string;
  /** The variables of a system on this storage. */
  readonly environment: Record<string, string>;
  /** Loads appointments. Requires that a system created the tables, and that none runs. */
  load(appointments: Iterable<LoadedAppointment>): Promise<void>;
}

export async function sqliteStorage(): Promise<Storage> {
  const folder = await temporaryFolder();
  return {
    data: folder.path,
    environment: {},
    load: async (appointments) => loadIntoSqlite(folder.path, appointments),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

const SERVICES = ['patient', 'doctor', 'appointment', 'notification'] as const;
let made = 0;

/** Creates temporary databases. `settings` are those of a URL, such as `?connections=64`. */
export async function mysqlStorage(serverUrl: string, settings = ''): Promise<Storage & { readonly url: string }> {
  const folder = await temporaryFolder();
  made += 1;
  const url = `${serverUrl}/daybook_bench_${process.pid}_${made}`;
  return {
    url,
    data: folder.path,
    environment: { DAYBOOK_MYSQL_URL: url + settings },
    load: (appointments) => loadIntoMysql(`${url}_appointment`, appointments),
    async [Symbol.asyncDispose]() {
      await folder[Symbol.asyncDispose]();
      const admin = await createConnection({ uri: serverUrl });
      for (const service of SERVICES)
        await admin.query(`drop database if exists ${new URL(url).pathname.slice(1)}_${service}`);
      await admin.end();
    },
  };
}
