/** Bookings on MySQL, beside what MySQL alone does with the same statements over as many connections. About a minute. */
import { randomBytes } from 'node:crypto';
import { startDaybook, temporaryFolder } from '@daybook/testing';
import { findServers } from '@daybook/testing/servers';
import { createConnection } from 'mysql2/promise';
import { bareBookings } from './bare-mysql.ts';
import { bookNth, openClinic } from './clinic.ts';
import { type Measured, measure } from './load.ts';

const IN_FLIGHT = 32;
const WARM_UP = 1500;
const BOOKINGS = 4000;

type Line = (name: string, value: string) => void;

const told = ({ perSecond, p50Millis, p99Millis }: Measured): string =>
  `${perSecond.toFixed(0)}/s   p50 ${p50Millis.toFixed(1)} ms   p99 ${p99Millis.toFixed(1)} ms`;

/** The databases of one bench, which go with it. */
async function withDatabases(serverUrl: string, use: (url: string) => Promise<void>): Promise<void> {
  const name = `daybook_bench_${randomBytes(4).toString('hex')}`;
  try {
    await use(`${serverUrl}/${name}`);
  } finally {
    const admin = await createConnection({ uri: serverUrl });
    const [rows] = await admin.query('select schema_name as name from information_schema.schemata');
    for (const row of Array.isArray(rows) ? rows : []) {
      const found = 'name' in row ? String(row.name) : '';
      if (found.startsWith(`${name}_`)) await admin.query(`drop database ${found}`);
    }
    await admin.end();
  }
}

export async function reportMysql(line: Line): Promise<void> {
  const serverUrl = (await findServers()).get('mysql');
  if (serverUrl === undefined) return line('bookings on MySQL', 'no MySQL is here: not measured');
  await withDatabases(serverUrl, async (url) => {
    await using folder = await temporaryFolder();
    // Half of them write.
    const environment = { DAYBOOK_MYSQL_URL: `${url}?connections=${2 * IN_FLIGHT}` };
    const system = await startDaybook({ data: folder.path, environment });
    const clinic = await openClinic(system.url, IN_FLIGHT);
    await measure(WARM_UP, IN_FLIGHT, (n) => bookNth(clinic, n));
    const own = await measure(BOOKINGS, IN_FLIGHT, (n) => bookNth(clinic, WARM_UP + n));
    await system.end();
    line(`bookings through the gateway on MySQL, ${IN_FLIGHT} in flight`, told(own));
    const bare = await bareBookings(`${url}_appointment`, BOOKINGS, IN_FLIGHT);
    line(
      'the same statements, sent by the driver alone',
      `${told(bare)}   bookings are ${(own.perSecond / bare.perSecond).toFixed(2)} of it`,
    );
  });
}

if (import.meta.main) await reportMysql((name, value) => console.log(`${name.padEnd(58)}${value}`));
