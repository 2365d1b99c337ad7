/** `npm run bench`: measures bookings, searches, start time and memory. Takes a few minutes on loopback, then exits. */
import { setTimeout as sleep } from 'node:timers/promises';
import { startDaybook, temporaryFolder } from '@daybook/testing';
import { reportAccess } from './access.ts';
import { bareTransactionsPerSecond } from './bare-sqlite.ts';
import { bookNth, openClinic, searchNth } from './clinic.ts';
import { reportDistributed } from './distributed.ts';
import { measureGateway } from './gateway/main.ts';
import { formatMeasured, type Measured, measure } from './load.ts';
import { reportManyAppointments } from './many-appointments.ts';
import { reportMysql } from './mysql.ts';
import { reportRabbit } from './rabbitmq.ts';
import { reportRegistry } from './registry.ts';
import { medianStartSeconds, residentMegabytes } from './start.ts';

const WARM_UP = 500;
const BOOKINGS = 3000;
const SEARCHES = 1000;
const IN_FLIGHT = 16;
const REST_MILLIS = 10_000;

const line = (name: string, value: string) => console.log(`${name.padEnd(58)}${value}`);
const report = (name: string, measured: Measured) => line(name, formatMeasured(measured));

await using folder = await temporaryFolder();
line('start, demo data there, median of 5', `${(await medianStartSeconds(folder.path)).toFixed(2)} s`);

const system = await startDaybook({ data: folder.path });
try {
  await sleep(REST_MILLIS);
  line('memory at rest, everything in one process', `${(await residentMegabytes(system)).toFixed(0)} MB resident`);

  const clinic = await openClinic(system, IN_FLIGHT);
  await measure(WARM_UP, IN_FLIGHT, (n) => bookNth(clinic, n));
  const bookings = await measure(BOOKINGS, IN_FLIGHT, (n) => bookNth(clinic, WARM_UP + n));
  report(`bookings through the gateway, ${IN_FLIGHT} in flight`, bookings);
  const bare = bareTransactionsPerSecond(folder.path, BOOKINGS);
  line(
    'bare SQLite, as many rows, one after the other',
    `${bare.toFixed(0)}/s   bookings are ${(bookings.perSecond / bare).toFixed(2)} of it`,
  );
  const alone = await measure(BOOKINGS / 10, 1, (n) => bookNth(clinic, WARM_UP + BOOKINGS + n));
  report('bookings, one after the other', alone);
  const searches = await measure(SEARCHES, IN_FLIGHT, (n) => searchNth(clinic, n));
  report(`slot searches over 30 days, one doctor, ${IN_FLIGHT} in flight`, searches);
  line('memory after the load', `${(await residentMegabytes(system)).toFixed(0)} MB resident`);
  await clinic.connections.close();
} finally {
  await system.end();
}

await reportAccess(line);

await reportManyAppointments(line);

await reportMysql(line);

await reportDistributed(line);

await reportRegistry(line);

await measureGateway(line);

await reportRabbit(line);
