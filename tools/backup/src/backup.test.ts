import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { prepareDataFolder } from '@daybook/launcher/data-folder';
import { temporaryFolder } from '@daybook/testing';
import { expect, test } from 'vitest';
import { makeBackup } from './backup.ts';
import { makeData, never, readCounter } from './testing.ts';

async function workplace() {
  const folder = await temporaryFolder();
  const data = join(folder.path, 'data');
  const target = join(folder.path, 'backups', 'monday');
  const backUp = (signal = never) => makeBackup({ dataFolder: data, target, version: '1.2.3', signal });
  return { data, target, backUp, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

test('a backup is a folder for its owner only, with every database and a manifest', async () => {
  await using place = await workplace();
  await makeData(place.data, { patient: 1, doctor: 2 });
  await place.backUp();
  const names = (await readdir(place.target)).toSorted();
  expect(names).toEqual(['doctor.sqlite', 'manifest.json', 'patient.sqlite']);
  const modes = await Promise.all(names.map(async (name) => (await stat(join(place.target, name))).mode & 0o777));
  expect([(await stat(place.target)).mode & 0o777, ...modes]).toEqual([0o700, 0o600, 0o600, 0o600]);
  const manifest = JSON.parse(await readFile(join(place.target, 'manifest.json'), 'utf8'));
  expect(manifest).toMatchObject({ format: 1, daybook: '1.2.3' });
  expect(Math.abs(Temporal.Instant.from(manifest.instant).until(Temporal.Now.instant()).total('minutes'))).toBeLessThan(
    5,
  );
  expect(readCounter(join(place.target, 'patient.sqlite'))).toBe(1);
});

test('a backup has the accounts of identity, and none of the keys', async () => {
  await using place = await workplace();
  await makeData(place.data, { identity: 3, patient: 1 });
  const keys = ['identity-root-key.json', 'sealing-key', 'service-key-gateway-service.json', 'registry-users'];
  for (const name of keys) await writeFile(join(place.data, name), 'secret', { mode: 0o600 });
  await place.backUp();
  expect((await readdir(place.target)).toSorted()).toEqual(['identity.sqlite', 'manifest.json', 'patient.sqlite']);
});

test('what was not yet moved from the log to the file is in the backup as well', async () => {
  await using place = await workplace();
  const [path = ''] = await makeData(place.data, { patient: 1 });
  using open = new DatabaseSync(path);
  open.exec('PRAGMA wal_autocheckpoint = 0; UPDATE counter SET n = 7');
  await place.backUp();
  expect(readCounter(join(place.target, 'patient.sqlite'))).toBe(7);
});

test('a folder that is there already is left as it is', async () => {
  await using place = await workplace();
  await makeData(place.data, { patient: 1 });
  await mkdir(place.target, { recursive: true });
  await expect(place.backUp()).rejects.toMatchObject({
    exitCode: 64,
    message: expect.stringMatching(/is there already/),
  });
  expect(await readdir(place.target)).toEqual([]);
});

test('a backup that is ended half-way leaves nothing', async () => {
  await using place = await workplace();
  const [path = ''] = await makeData(place.data, { patient: 1 });
  using open = new DatabaseSync(path);
  open.exec('CREATE TABLE filler (bytes BLOB)');
  const insert = open.prepare('INSERT INTO filler VALUES (randomblob(1000000))');
  for (let n = 0; n < 10; n += 1) insert.run();
  let asked = 0;
  const signal = new AbortController().signal;
  // Aborts at the third check of the signal, which is in the middle of the copy.
  signal.throwIfAborted = () => {
    asked += 1;
    if (asked === 3) throw new DOMException('ended', 'AbortError');
  };
  await expect(place.backUp(signal)).rejects.toThrow('ended');
  expect(await readdir(join(place.target, '..'))).toEqual([]);
});

test('a broken database is reported, and leaves no backup', async () => {
  await using place = await workplace();
  const [path = ''] = await makeData(place.data, { patient: 1, doctor: 2 });
  {
    using database = new DatabaseSync(path);
    database.exec('CREATE INDEX by_n ON counter (n)');
    const pages = Number(database.prepare('PRAGMA page_count').get()?.page_count);
    expect(pages).toBe(3);
  }
  const bytes = await readFile(path);
  bytes.fill(0x55, bytes.length - 4096);
  await writeFile(path, bytes);
  await expect(place.backUp()).rejects.toMatchObject({
    exitCode: 65,
    message: expect.stringMatching(/^The database file .* is broken\./),
  });
  expect(await readdir(join(place.target, '..'))).toEqual([]);
});

test('a file that is not a database is reported', async () => {
  await using place = await workplace();
  await makeData(place.data, { doctor: 2 });
  await writeFile(join(place.data, 'patient.sqlite'), 'x'.repeat(4096));
  const message = `The databases in ${place.data} cannot be read (file is not a database).`;
  await expect(place.backUp()).rejects.toMatchObject({ exitCode: 74, message });
});

test('a missing data folder, or one without a database, is reported', async () => {
  await using place = await workplace();
  await expect(place.backUp()).rejects.toMatchObject({
    exitCode: 69,
    message: expect.stringMatching(/^There is no data folder/),
  });
  await prepareDataFolder(place.data);
  await expect(place.backUp()).rejects.toMatchObject({
    exitCode: 69,
    message: expect.stringMatching(/^There is no database/),
  });
});

test('a place that cannot be written is reported', async () => {
  await using place = await workplace();
  await makeData(place.data, { patient: 1 });
  await writeFile(join(place.target, '..'), 'a file');
  await expect(place.backUp()).rejects.toMatchObject({
    exitCode: 74,
    message: expect.stringMatching(/cannot be written \(E[A-Z]+\)\.$/),
  });
});
