/** A thread for tests that writes increasing numbers, each to every file in turn, until it is stopped. */
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

const { paths }: { paths: readonly string[] } = workerData;
const updates = paths.map((path) => {
  const database = new DatabaseSync(path, { timeout: 5000 });
  database.exec('PRAGMA synchronous = OFF');
  return database.prepare('UPDATE counter SET n = ?');
});
for (let n = 1; ; n += 1) {
  for (const update of updates) update.run(n);
  if (n === 1) parentPort?.postMessage('writing');
}
