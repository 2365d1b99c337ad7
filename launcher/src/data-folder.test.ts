import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { announceSystem, joinDataFolder, lockDataFolder, prepareDataFolder } from './data-folder.ts';

it('all files of a data folder are for their user only, whatever the folder was like before', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-data-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await chmod(folder, 0o755);
  const before = ['demo.json', 'patient.sqlite', 'patient.sqlite-wal', 'patient.sqlite-shm', 'running.json.new'];
  for (const name of before) await writeFile(join(folder, name), '', { mode: 0o644 });
  await prepareDataFolder(folder);
  using _system = await lockDataFolder(folder);
  using _sharedLock = joinDataFolder(folder);
  await announceSystem(folder, { pid: 1, registryUrl: 'http://127.0.0.1:8761/eureka', isRegistryOurs: true });
  const names = await readdir(folder);
  expect(names).toContain('running.json');
  expect(names).toContain('daybook.lock');
  for (const name of names) expect([name, (await stat(join(folder, name))).mode & 0o777]).toEqual([name, 0o600]);
});
