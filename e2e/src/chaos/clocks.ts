/** Shifts the clocks of services with libfaketime, which rereads the offset in seconds from a file. */
import { existsSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const LIBRARIES = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1',
];

/** Returns the path where Debian's package `faketime` installs the library. */
export const findFaketime = (): string | undefined => LIBRARIES.find((path) => existsSync(path));

export interface Clocks {
  /** Returns the environment for the processes of a service. */
  environmentOf(service: string): Record<string, string>;
  /** Sets the offset of a service's clock from the real one. */
  set(service: string, seconds: number): Promise<void>;
}

export async function createClocks(library: string, folder: string, services: readonly string[]): Promise<Clocks> {
  const fileOf = (service: string) => join(folder, `clock-${service}`);
  const offset = (seconds: number) => `${seconds < 0 ? '-' : '+'}${Math.abs(seconds)}\n`;

  async function set(service: string, seconds: number): Promise<void> {
    // Renamed into place, so that a reader never sees half a number.
    await writeFile(`${fileOf(service)}.new`, offset(seconds));
    await rename(`${fileOf(service)}.new`, fileOf(service));
  }

  for (const service of services) await set(service, 0);
  return {
    environmentOf: (service) => ({
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: fileOf(service),
      FAKETIME_CACHE_DURATION: '1',
      // The monotonic clock stays real, because setting a real wall clock does not change it either.
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    }),
    set,
  };
}
