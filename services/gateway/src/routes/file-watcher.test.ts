import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { plugins } from '../plugins.ts';
import { readRoutesText } from './definition.ts';
import { watchRoutesFile } from './file-watcher.ts';
import { createRouteStore } from './route-store.ts';

const fileOf = (...ids: string[]) =>
  JSON.stringify({ routes: ids.map((id) => ({ id, predicates: { path: [`/${id}`] }, service: `${id}-service` })) });

async function startWatching(prepare: (folder: string) => Promise<void>, pollMillis = 60_000) {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-routes-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await prepare(folder);
  const file = join(folder, 'routes.json');
  const routes = createRouteStore(await readRoutesText(file), { plugins });
  const lines: string[] = [];
  const note = (...[fields, words]: unknown[]) => void lines.push(`${words} ${JSON.stringify(fields)}`);
  const logger = { info: note, warn: note, error: note };
  const reload = watchRoutesFile({ file, routes, logger, settleMillis: 5, pollMillis });
  onTestFinished(() => reload[Symbol.dispose]());
  return { folder, file, routes, lines, reload, ids: () => routes.current.routes.map(({ id }) => id) };
}

const withFile = (text: string) => (folder: string) => writeFile(join(folder, 'routes.json'), text);

describe('a change of the file', () => {
  test('that is written in place is put into force', async () => {
    const { file, ids, lines, routes } = await startWatching(withFile(fileOf('a')));
    const before = routes.current.version;
    await writeFile(file, fileOf('a', 'b'));
    await expect.poll(ids).toEqual(['a', 'b']);
    expect(routes.current.version).not.toBe(before);
    await expect.poll(() => lines.at(-1)).toMatch(/^routes loaded .*"routes":2/);
  });

  test('that is renamed into place is put into force, as often as it happens', async () => {
    const { folder, file, ids } = await startWatching(withFile(fileOf('a')));
    for (const id of ['b', 'c']) {
      await writeFile(join(folder, '.routes.json.tmp'), fileOf(id));
      await rename(join(folder, '.routes.json.tmp'), file);
      await expect.poll(ids).toEqual([id]);
    }
  });

  test('that turns the link of a Kubernetes ConfigMap is put into force', async () => {
    const version = async (folder: string, name: string, id: string) => {
      await mkdir(join(folder, name));
      await writeFile(join(folder, name, 'routes.json'), fileOf(id));
      await symlink(name, join(folder, '..data_tmp'));
      await rename(join(folder, '..data_tmp'), join(folder, '..data'));
    };
    const { folder, ids } = await startWatching(async (folder) => {
      await version(folder, '..1', 'a');
      await symlink('..data/routes.json', join(folder, 'routes.json'));
    });
    await version(folder, '..2', 'b');
    await expect.poll(ids).toEqual(['b']);
  });

  test('is found by polling, too', async () => {
    const { folder, ids } = await startWatching(async (folder) => {
      await mkdir(join(folder, 'elsewhere'));
      await writeFile(join(folder, 'elsewhere', 'routes.json'), fileOf('a'));
      await symlink(join('elsewhere', 'routes.json'), join(folder, 'routes.json'));
    }, 20);
    await writeFile(join(folder, 'elsewhere', 'routes.json'), fileOf('b'));
    await expect.poll(ids).toEqual(['b']);
  });
});

describe('a wrong file', () => {
  test('leaves the routes in force, and is logged in one line, once', async () => {
    const { file, ids, lines, routes, reload } = await startWatching(withFile(fileOf('a')));
    await writeFile(file, '{"routes":[{"id":"A"},{"id":"b","service":"b","predicates":{"path":["/b"],"colour":1}}]}');
    await expect.poll(() => routes.failure?.reason).toContain('/routes/0/id must match pattern');
    expect(routes.failure?.reason).toContain('/routes/1/predicates/colour is not known here');
    expect(routes.failure?.reason).not.toContain('\n');
    await reload.check();
    await reload.check();
    expect(ids()).toEqual(['a']);
    expect(lines.filter((line) => line.startsWith('routes rejected'))).toHaveLength(1);
  });

  test('is over when a right one comes, the same as before included', async () => {
    const { file, ids, routes } = await startWatching(withFile(fileOf('a')));
    const { since } = routes.current;
    for (const id of ['a', 'b']) {
      await writeFile(file, 'no json');
      await expect.poll(() => routes.failure).toBeDefined();
      await writeFile(file, fileOf(id));
      await expect.poll(() => routes.failure).toBeUndefined();
      expect(ids()).toEqual([id]);
      if (id === 'a') expect(routes.current.since).toEqual(since);
    }
  });

  test('may be one that is gone', async () => {
    const { file, ids, routes, lines, reload } = await startWatching(withFile(fileOf('a')));
    await rm(file);
    await expect.poll(() => routes.failure?.reason).toMatch(/^The routes cannot be read: ENOENT/);
    await reload.check();
    expect(ids()).toEqual(['a']);
    expect(lines).toHaveLength(1);
    await writeFile(file, fileOf('b'));
    await expect.poll(ids).toEqual(['b']);
  });

  test('is not quoted', async () => {
    const { routes, file } = await startWatching(withFile(fileOf('a')));
    await writeFile(file, '{"secret": s3cret}');
    await expect.poll(() => routes.failure?.reason).toMatch(/^The routes are wrong: they are not JSON/);
    expect(routes.failure?.reason).not.toMatch(/s3cret|secret/);
  });
});
