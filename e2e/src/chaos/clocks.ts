/** The clocks of services, told by libfaketime: how many seconds they are off stands in a file that it reads again. */
import { existsSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const LIBRARIES = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1',
];

/** Where Debian's package `faketime` puts it. */
export const findFaketime = (): string | undefined => LIBRARIES.find((path) => existsSync(path));

export interface Clocks {
  /** For the processes of a service. */
  environmentOf(service: string): Record<string, string>;
  /** From now on its clock goes so far before the real one. */
  set(service: string, seconds: number): Promise<void>;
}

export async function createClocks(library: string, folder: string, services: readonly string[]): Promise<Clocks> {
  const fileOf = (service: string) => join(folder, `clock-${service}`);
  const offset = (seconds: number) => `${seconds < 0 ? '-' : '+'}${Math.abs(seconds)}\n`;

  async function set(service: string, seconds: number): Promise<void> {
    // Renamed into its place: nobody reads half a number.
    await writeFile(`${fileOf(service)}.new`, offset(seconds));
    await rename(`${fileOf(service)}.new`, fileOf(service));
  }

  for (const service of services) await set(service, 0);
  return {
    environmentOf: (service) => ({
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: fileOf(service),
      FAKETIME_CACHE_DURATION: '1',
      // The clock that never goes back is not the clock on the wall: a real one that is set leaves it alone, too.
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    }),
    set,
  };
}
