/** Compares bookings on MySQL with MySQL alone, with the same statements and connections. About a minute. */
import { startDaybook } from '@daybook/testing';
import { findServers } from '@daybook/testing/servers';
import { bareBookings } from './bare-mysql.ts';
import { bookNth, openClinic } from './clinic.ts';
import { formatMeasured, type Measured, measure } from './load.ts';
import { LARGE_YOUNG_GENERATION } from './start.ts';
import { mysqlStorage, type Storage } from './storage.ts';

const IN_FLIGHT = 32;
const WARM_UP = 1500;
const BOOKINGS = 4000;

type Line = (name: string, value: string) => void;

async function bookings({ data, environment }: Storage, nodeFlags: readonly string[] = []): Promise<Measured> {
  await using stack = new AsyncDisposableStack();
  const system = await startDaybook({ data, environment, nodeFlags });
  stack.defer(async () => void (await system.end()));
  const clinic = await openClinic(system, IN_FLIGHT);
  stack.defer(() => clinic.connections.close());
  await measure(WARM_UP, IN_FLIGHT, (n) => bookNth(clinic, n));
  return await measure(BOOKINGS, IN_FLIGHT, (n) => bookNth(clinic, WARM_UP + n));
}

export async function reportMysql(line: Line): Promise<void> {
  const serverUrl = (await findServers()).get('mysql');
  if (serverUrl === undefined) return line('bookings on MySQL', 'no MySQL is available: not measured');
  // Half of them write.
  await using storage = await mysqlStorage(serverUrl, `?connections=${2 * IN_FLIGHT}`);
  const own = await bookings(storage);
  const large = await bookings(storage, LARGE_YOUNG_GENERATION);
  const counts = { warmUp: WARM_UP, count: BOOKINGS, connections: IN_FLIGHT };
  const bare = await bareBookings(`${storage.url}_appointment`, counts);
  const share = ({ perSecond }: Measured) => `${(perSecond / bare.perSecond).toFixed(2)} of it`;
  line(`bookings through the gateway on MySQL, ${IN_FLIGHT} in flight`, formatMeasured(own));
  line('the same with 32 MB of young generation', formatMeasured(large));
  line(
    'the same statements, sent by the driver alone',
    `${formatMeasured(bare)}   bookings are ${share(own)} and ${share(large)}`,
  );
}

if (import.meta.main) await reportMysql((name, value) => console.log(`${name.padEnd(58)}${value}`));
