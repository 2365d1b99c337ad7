import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { makeSecrets } from './secrets.ts';

async function madeIn(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-secrets-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  expect(await makeSecrets(join(folder, 'secrets'))).toBe(true);
  return join(folder, 'secrets');
}

const readAll = async (folder: string) =>
  Promise.all((await readdir(folder)).map(async (name) => `${name}: ${await readFile(join(folder, name), 'utf8')}`));

it('makes passwords of its own for each service, for this user only', async () => {
  const [one, other] = [await readAll(await madeIn()), await readAll(await madeIn())];
  expect(one).toHaveLength(13);
  for (const content of one) expect(other).not.toContain(content);
});

it('lets no other user read them', async () => {
  const folder = await madeIn();
  for (const name of await readdir(folder)) expect((await stat(join(folder, name))).mode & 0o077).toBe(0);
});

it('keeps those that are there: the servers know them', async () => {
  const folder = await madeIn();
  const before = await readAll(folder);
  expect(await makeSecrets(folder)).toBe(false);
  expect(await readAll(folder)).toEqual(before);
});

it('gives every service a user with the password that is in its address', async () => {
  const folder = await madeIn();
  const sql = await readFile(join(folder, 'mysql-databases.sql'), 'utf8');
  for (const service of ['patient', 'doctor', 'appointment', 'notification']) {
    const url = new URL(await readFile(join(folder, `${service}-database-url`), 'utf8'));
    expect(url.pathname).toBe(`/daybook_${service}`);
    expect(sql).toContain(`CREATE USER IF NOT EXISTS '${url.username}'@'%' IDENTIFIED BY '${url.password}'`);
    expect(sql).toContain(`GRANT ALL ON daybook_${service}.* TO '${url.username}'@'%'`);
  }
});

it('gives every service a user of the registry with the password that is in its address', async () => {
  const folder = await madeIn();
  const users = await readFile(join(folder, 'registry-users'), 'utf8');
  for (const service of ['gateway', 'patient', 'doctor', 'appointment', 'notification']) {
    const url = new URL(await readFile(join(folder, `${service}-registry-url`), 'utf8'));
    expect(url.username).toBe(`${service}-service`);
    expect(users).toContain(`${url.username}:${url.password}\n`);
  }
});
