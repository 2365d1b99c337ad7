/** Helpers for tests: data folders with small databases, and a thread that writes to them. */
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';

/** Creates databases with one counter each, and returns their paths. */
export async function makeData(folder: string, counters: Record<string, number>): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  return Object.entries(counters).map(([name, n]) => {
    const path = join(folder, `${name}.sqlite`);
    using database = new DatabaseSync(path);
    database.exec(`PRAGMA journal_mode = WAL; CREATE TABLE counter (n INTEGER); INSERT INTO counter VALUES (${n})`);
    return path;
  });
}

export function readCounter(path: string): unknown {
  using database = new DatabaseSync(path, { readOnly: true });
  return database.prepare('SELECT n FROM counter').get()?.n;
}

/** Writes to the files as fast as possible until it is disposed of. */
export async function startWriter(paths: readonly string[]): Promise<AsyncDisposable> {
  const worker = new Worker(join(import.meta.dirname, 'testing-writer.ts'), { workerData: { paths } });
  await once(worker, 'message');
  return {
    async [Symbol.asyncDispose]() {
      await worker.terminate();
    },
  };
}

export const never = new AbortController().signal;
