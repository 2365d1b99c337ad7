/** How long a start takes with the demo data there, and how much memory everything has at rest. */
import { type DaybookProcess, startDaybook } from '@daybook/testing';
import { median } from './load.ts';

const STARTS = 5;
const demo = (data: string) => ({ data, environment: { DAYBOOK_DEMO: 'on' } });

/** What docs/performance.md advises for what is to carry much: memory need not be saved as in everything in one process (decision 7). */
export const LARGE_YOUNG_GENERATION = ['--min-semi-space-size=32', '--max-semi-space-size=32'];

/** Resident, of the whole process, as it says itself. */
export async function residentMegabytes(system: DaybookProcess): Promise<number> {
  const metrics = await (await fetch(`${system.url}/metrics`, { signal: AbortSignal.timeout(5000) })).text();
  const bytes = Number(/^process_resident_memory_bytes (\S+)$/m.exec(metrics)?.[1]);
  if (!Number.isFinite(bytes)) throw new Error('the process does not say how much memory it has');
  return bytes / 1e6;
}

/** The middle of several starts, from the beginning of the process to the ready line, in seconds. */
export async function medianStartSeconds(data: string): Promise<number> {
  // The first start makes the demo; it is not what is measured.
  await (await startDaybook(demo(data))).end();
  const seconds: number[] = [];
  for (let n = 0; n < STARTS; n += 1) {
    const system = await startDaybook(demo(data));
    seconds.push(system.secondsToReady);
    await system.end();
  }
  return median(seconds);
}
