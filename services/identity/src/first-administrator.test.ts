import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseUnavailable } from '@daybook/database';
import { createLogger } from '@daybook/service';
import { expect, it, onTestFinished } from 'vitest';
import { offerFirstAdministrator, startFirstAdministratorOffer } from './first-administrator.ts';
import { PUBLIC_URL, startIdentity } from './testing.ts';

async function startOffer() {
  const started = await startIdentity();
  const folder = await mkdtemp(join(tmpdir(), 'daybook-identity-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const logged: unknown[] = [];
  const logger = { info: (fields: object, message: string) => logged.push([fields, message]) };
  const path = join(folder, 'first-administrator-link.txt');
  const { accounts, links } = started;
  const offer = () =>
    offerFirstAdministrator({
      accounts,
      links,
      folder,
      publicUrl: new URL(PUBLIC_URL),
      logger: Object.assign(started.app.log, logger) as never,
    });
  const offerWithoutFolder = () =>
    offerFirstAdministrator({
      accounts,
      links,
      folder: undefined,
      publicUrl: new URL(PUBLIC_URL),
      logger: Object.assign(started.app.log, logger) as never,
    });
  return { ...started, folder, path, offer, offerWithoutFolder, logged, read: () => readFile(path, 'utf8') };
}

it('without an administrator a start writes a link that only this user can read, and logs its file only', async () => {
  const { offer, path, read, logged, newBrowser } = await startOffer();
  await offer();
  const link = (await read()).trim();
  expect(link).toMatch(/^https:\/\/daybook\.example\/identity\/link\?token=[\w-]{43}$/);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(JSON.stringify(logged)).toContain(path);
  expect(JSON.stringify(logged)).not.toContain(link.slice(-43));
  expect((await newBrowser().request(link)).status).toBe(200);
});

it('a start keeps a link that is still good, and replaces one that is over', async () => {
  const { offer, read, advance } = await startOffer();
  await offer();
  const first = await read();
  await offer();
  expect(await read()).toBe(first);
  advance({ hours: 72 });
  await offer();
  expect(await read()).not.toBe(first);
});

it('without a data folder the log names the command, until there is an administrator', async () => {
  const { offerWithoutFolder, logged, links, addPerson } = await startOffer();
  await offerWithoutFolder();
  expect(JSON.stringify(logged)).toContain('services/identity/src/admin-main.ts');
  expect(await links.exists({ purpose: 'first-administrator' })).toBe(false);
  await addPerson('administrator');
  await offerWithoutFolder();
  expect(logged).toHaveLength(1);
});

it('with an administrator there is no link, and the file of before is gone', async () => {
  const { offer, folder, addPerson } = await startOffer();
  await offer();
  await addPerson('administrator');
  await offer();
  expect(await readdir(folder)).toEqual([]);
});

it('a database that is not open yet is a warning with its reason, and without a stack', async () => {
  const { accounts, links } = await startOffer();
  const lines: string[] = [];
  const logger = createLogger({ level: 'warn', destination: { write: (line: string) => void lines.push(line) } });
  const isAway = { hasAdministrator: () => Promise.reject(new DatabaseUnavailable(new Error('it is not open yet'))) };
  const target = { accounts: { ...accounts, ...isAway }, links, folder: undefined, publicUrl: new URL(PUBLIC_URL) };
  const offer = startFirstAdministratorOffer({ ...target, logger });
  await expect.poll(() => lines.length).toBe(1);
  await offer.stop();
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ reason: 'The database is not available.' });
  expect(lines[0]).not.toContain('stack');
});
