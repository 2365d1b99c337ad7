/** Measures the start time with existing demo data, and the memory of the idle process. */
import { type DaybookProcess, startDaybook } from '@daybook/testing';
import { median } from './load.ts';

const STARTS = 5;
const demo = (data: string) => ({ data, environment: { DAYBOOK_DEMO: 'on' } });

/** The flags that docs/performance.md advises for high load, where memory need not be saved (decision 7). */
export const LARGE_YOUNG_GENERATION = [
  '--min-semi-space-size=32',
  '--max-semi-space-size=32',
  '--heap-growing-percent=0',
];

/** Returns the resident megabytes of the whole process, from its own metrics. */
export async function residentMegabytes(system: DaybookProcess): Promise<number> {
  const metrics = await (await fetch(`${system.url}/metrics`, { signal: AbortSignal.timeout(5000) })).text();
  const bytes = Number(/^process_resident_memory_bytes (\S+)$/m.exec(metrics)?.[1]);
  if (!Number.isFinite(bytes)) throw new Error('the process does not report its memory');
  return bytes / 1e6;
}

/** Returns the median seconds of several starts, from the start of the process to the ready line. */
export async function medianStartSeconds(data: string): Promise<number> {
  // The first start creates the demo and is not measured.
  await (await startDaybook(demo(data))).end();
  const seconds: number[] = [];
  for (let n = 0; n < STARTS; n += 1) {
    const system = await startDaybook(demo(data));
    seconds.push(system.secondsToReady);
    await system.end();
  }
  return median(seconds);
}
