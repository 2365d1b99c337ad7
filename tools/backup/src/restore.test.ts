import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isEmptyDataFolder, joinDataFolder, lockDataFolder, prepareDataFolder } from '@daybook/launcher/data-folder';
import { temporaryFolder } from '@daybook/testing';
import { describe, expect, test } from 'vitest';
import { makeBackup } from './backup.ts';
import { restoreBackup } from './restore.ts';
import { makeData, never, readCounter } from './testing.ts';

/** Creates a backup of two databases with 1 and 2, and a path for a data folder. */
async function workplace() {
  const folder = await temporaryFolder();
  const source = join(folder.path, 'backup');
  const data = join(folder.path, 'data');
  await makeData(join(folder.path, 'origin'), { patient: 1, doctor: 2 });
  await makeBackup({ dataFolder: join(folder.path, 'origin'), target: source, version: '1.2.3', signal: never });
  return {
    source,
    data,
    restore: (replace = false) => restoreBackup({ dataFolder: data, source, replace, signal: never }),
    counters: () => ['patient', 'doctor'].map((name) => readCounter(join(data, `${name}.sqlite`))),
    databases: async (path = data) => (await readdir(path)).filter((name) => name.includes('.sqlite')).toSorted(),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

const BOTH = ['doctor.sqlite', 'patient.sqlite'];

test('a restore into a folder that is not there makes it, for its owner only', async () => {
  await using place = await workplace();
  expect((await place.restore()).aside).toBeUndefined();
  expect(place.counters()).toEqual([1, 2]);
  expect((await stat(place.data)).mode & 0o777).toBe(0o700);
  expect((await stat(join(place.data, 'patient.sqlite'))).mode & 0o777).toBe(0o600);
  expect((await readdir(place.data)).filter((name) => name.startsWith('restoring'))).toEqual([]);
});

test('databases that are there stay as they are without --replace', async () => {
  await using place = await workplace();
  await makeData(place.data, { patient: 11, doctor: 12 });
  await expect(place.restore()).rejects.toMatchObject({
    exitCode: 64,
    message: expect.stringMatching(/With --replace/),
  });
  expect(place.counters()).toEqual([11, 12]);
});

test('with --replace they are kept aside, with the mark of their demo', async () => {
  await using place = await workplace();
  await makeData(place.data, { patient: 11, doctor: 12, webhook: 13 });
  await writeFile(join(place.data, 'demo.json'), '{}');
  const { aside = '' } = await place.restore(true);
  expect(place.counters()).toEqual([1, 2]);
  expect(await place.databases()).toEqual(BOTH);
  expect(await readdir(aside)).toEqual(['demo.json', 'doctor.sqlite', 'patient.sqlite', 'webhook.sqlite']);
  expect(readCounter(join(aside, 'patient.sqlite'))).toBe(11);
});

test('the keys of the data folder stay as they are', async () => {
  await using place = await workplace();
  await makeData(place.data, { patient: 11, doctor: 12 });
  const keys = ['identity-root-key.json', 'sealing-key', 'service-key-gateway-service.json'];
  for (const name of keys) await writeFile(join(place.data, name), `content of ${name}`, { mode: 0o600 });
  const { aside = '' } = await place.restore(true);
  for (const name of keys) expect(await readFile(join(place.data, name), 'utf8')).toBe(`content of ${name}`);
  expect(await readdir(aside)).toEqual(['doctor.sqlite', 'patient.sqlite']);
});

test('nothing is restored while a process uses the data folder', async () => {
  await using place = await workplace();
  await makeData(place.data, { patient: 11, doctor: 12 });
  await prepareDataFolder(place.data);
  {
    using _system = await lockDataFolder(place.data);
    await expect(place.restore(true)).rejects.toMatchObject({
      exitCode: 69,
      message: expect.stringMatching(/^Another Daybook/),
    });
  }
  {
    using _sharedLock = joinDataFolder(place.data);
    await expect(place.restore(true)).rejects.toMatchObject({
      exitCode: 69,
      message: expect.stringMatching(/^Another process of Daybook/),
    });
  }
  expect(place.counters()).toEqual([11, 12]);
  await place.restore(true);
});

describe('a backup that is not whole changes nothing:', () => {
  const refused = async (
    change: (source: string) => Promise<void>,
    failure: { exitCode: number; message: unknown },
  ) => {
    await using place = await workplace();
    await makeData(place.data, { patient: 11, doctor: 12 });
    const names = await readdir(place.data);
    await change(place.source);
    await expect(place.restore(true)).rejects.toMatchObject(failure);
    const left = (await readdir(place.data)).filter((name) => !name.endsWith('.lock'));
    expect(left.toSorted()).toEqual(names.toSorted());
    expect(place.counters()).toEqual([11, 12]);
  };
  const changeManifest = (change: (manifest: { files: { name: string }[] }) => object) => async (source: string) => {
    const path = join(source, 'manifest.json');
    await writeFile(path, JSON.stringify(change(JSON.parse(await readFile(path, 'utf8')))));
  };

  test('no manifest', () =>
    refused((source) => rename(join(source, 'manifest.json'), join(source, 'x')), {
      exitCode: 74,
      message: expect.stringMatching(/ENOENT/),
    }));

  test('a manifest that is something else', () =>
    refused((source) => writeFile(join(source, 'manifest.json'), '[1'), {
      exitCode: 65,
      message: expect.stringMatching(/is not the manifest/),
    }));

  test('a manifest of a newer Daybook', () =>
    refused(
      changeManifest((manifest) => ({ ...manifest, format: 2 })),
      { exitCode: 65, message: expect.stringMatching(/newer Daybook/) },
    ));

  test('a manifest that names a file elsewhere', () =>
    refused(
      changeManifest(({ files: [first, ...others], ...manifest }) => ({
        ...manifest,
        files: [{ ...first, name: '../patient.sqlite' }, ...others],
      })),
      { exitCode: 65, message: expect.stringMatching(/is not the manifest/) },
    ));

  test('a file that is missing', () =>
    refused((source) => rename(join(source, 'patient.sqlite'), join(source, 'x')), {
      exitCode: 74,
      message: expect.stringMatching(/ENOENT/),
    }));

  test('a file in which one bit is another', () =>
    refused(
      async (source) => {
        const bytes = await readFile(join(source, 'patient.sqlite'));
        bytes[5000] = (bytes[5000] ?? 0) ^ 1;
        await writeFile(join(source, 'patient.sqlite'), bytes);
      },
      { exitCode: 65, message: expect.stringMatching(/is not as it was written/) },
    ));
});

describe('a restore that did not end keeps Daybook from starting, and the next one ends it, when it was killed', () => {
  const ASIDE = 'before-restore-2026-11-25T12-00-00Z';
  const NAMES = ['doctor.sqlite', 'patient.sqlite', 'webhook.sqlite'];

  /** Runs the first `steps` steps: write the marker, move three files aside, install two. */
  async function takeSteps(steps: number, data: string, source: string): Promise<void> {
    await mkdir(join(data, ASIDE));
    const moves = [
      () => writeFile(join(data, 'restoring.json'), JSON.stringify({ aside: ASIDE, names: NAMES })),
      ...NAMES.map((name) => () => rename(join(data, name), join(data, ASIDE, name))),
      ...BOTH.map((name) => async () => writeFile(join(data, name), await readFile(join(source, name)))),
    ];
    for (const move of moves.slice(0, steps)) await move();
  }

  test.for([1, 2, 3, 4, 5, 6])('after step %i', async (steps) => {
    await using place = await workplace();
    await makeData(place.data, { patient: 11, doctor: 12, webhook: 13 });
    await takeSteps(steps, place.data, place.source);
    const refusal = { exitCode: 69, message: expect.stringMatching(/did not end\. Run npm run restore/) };
    await expect(isEmptyDataFolder(place.data)).rejects.toMatchObject(refusal);
    const { aside = '' } = await place.restore();
    expect(aside).toBe(join(place.data, ASIDE));
    expect(place.counters()).toEqual([1, 2]);
    expect(await place.databases()).toEqual(BOTH);
    expect(await readdir(aside)).toEqual(NAMES);
    expect(NAMES.map((name) => readCounter(join(aside, name)))).toEqual([12, 11, 13]);
    expect(await isEmptyDataFolder(place.data)).toBe(false);
  });
});
