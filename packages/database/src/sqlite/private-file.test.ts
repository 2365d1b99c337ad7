import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openDatabase } from '../open-database.ts';
import { noteMigrations } from '../testing-notes.ts';
import { ensurePrivate } from './private-file.ts';

/** Opens a folder that others may read. */
async function openFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-modes-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'data');
  await mkdir(path);
  await chmod(path, 0o755);
  return path;
}

async function modesIn(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder)).toSorted();
  const modes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).mode & 0o777));
  return Object.fromEntries(names.map((name, index) => [name, (modes[index] ?? 0).toString(8)]));
}

it('database files are for their user only, in a folder that others may read, too', async () => {
  const folder = await openFolder();
  const database = await openDatabase(`sqlite:${join(folder, 'notes.sqlite')}`, noteMigrations);
  onTestFinished(() => database.close());
  expect(await modesIn(folder)).toEqual({
    'notes.sqlite': '600',
    'notes.sqlite-shm': '600',
    'notes.sqlite-wal': '600',
  });
});

it('database files that others could read are taken from them when they are opened', async () => {
  const folder = await openFolder();
  const path = join(folder, 'notes.sqlite');
  const before = await openDatabase(`sqlite:${path}`, noteMigrations);
  onTestFinished(() => before.close());
  for (const name of await readdir(folder)) await chmod(join(folder, name), 0o644);
  const database = await openDatabase(`sqlite:${path}`, noteMigrations);
  onTestFinished(() => database.close());
  expect(await modesIn(folder)).toEqual({
    'notes.sqlite': '600',
    'notes.sqlite-shm': '600',
    'notes.sqlite-wal': '600',
  });
});

it('the content of a file that is made private stays', async () => {
  const folder = await openFolder();
  await writeFile(join(folder, 'a'), 'content', { mode: 0o666 });
  ensurePrivate(join(folder, 'a'));
  ensurePrivate(join(folder, 'b'));
  expect(await modesIn(folder)).toEqual({ a: '600', b: '600' });
  expect((await stat(join(folder, 'a'))).size).toBe(7);
});
