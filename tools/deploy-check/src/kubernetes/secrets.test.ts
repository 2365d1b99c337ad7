import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseIdentityKey, parseRootKey, parseSealingKey } from '@daybook/access';
import { readServiceKey, SERVICES_WITH_KEYS } from '@daybook/service';
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

it('makes passwords and keys of its own for each service, for this user only', async () => {
  const [one, other] = [await readAll(await madeIn()), await readAll(await madeIn())];
  expect(one).toHaveLength(26);
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
  for (const service of ['identity', 'patient', 'doctor', 'appointment', 'notification']) {
    const url = new URL(await readFile(join(folder, `${service}-database-url`), 'utf8'));
    expect(url.pathname).toBe(`/daybook_${service}`);
    expect(sql).toContain(`CREATE USER IF NOT EXISTS '${url.username}'@'%' IDENTIFIED BY '${url.password}'`);
    expect(sql).toContain(`INDEX, REFERENCES ON \`daybook\\_${service}\`.* TO '${url.username}'@'%'`);
  }
});

it('gives every service a user of the registry with the password that is in its address', async () => {
  const folder = await madeIn();
  const users = await readFile(join(folder, 'registry-users'), 'utf8');
  for (const service of ['gateway', 'identity', 'patient', 'doctor', 'appointment', 'notification']) {
    const url = new URL(await readFile(join(folder, `${service}-registry-url`), 'utf8'));
    expect(url.username).toBe(`${service}-service`);
    expect(users).toContain(`${url.username}:${url.password}\n`);
  }
});

it('gives every service a user of the broker with the password that is in its address', async () => {
  const folder = await madeIn();
  const { users } = JSON.parse(await readFile(join(folder, 'rabbitmq-definitions.json'), 'utf8'));
  for (const { name, password_hash: hash } of users) {
    const url = new URL(await readFile(join(folder, `${name}-rabbitmq-url`), 'utf8'));
    expect(url.username).toBe(name);
    const bytes = Buffer.from(hash, 'base64');
    const digest = createHash('sha256').update(bytes.subarray(0, 4)).update(url.password).digest();
    expect(bytes.subarray(4)).toEqual(digest);
  }
});

it('makes keys that identity and the services accept, each with the public half where others need it', async () => {
  const folder = await madeIn();
  const read = (name: string) => readFile(join(folder, name), 'utf8');
  const [, publicHalf = ''] = (await read('settings.env')).trim().split('=');
  const { signing, identityKey } = await parseRootKey(await read('identity-root-key'));
  expect(publicHalf).toBe(identityKey);
  expect((await parseIdentityKey(publicHalf)).keyId).toBe(signing.keyId);
  parseSealingKey(await read('identity-sealing-key'));
  const clients: { id: string; keys: { kid: string }[] }[] = JSON.parse(await read('identity-clients'));
  expect(clients.map(({ id }) => id)).toEqual([...SERVICES_WITH_KEYS]);
  for (const service of SERVICES_WITH_KEYS) {
    const config = { DAYBOOK_DATA: folder, DAYBOOK_SERVICE_KEY: await read(`${service}-key`) };
    const { keyId } = await readServiceKey(config, service);
    expect(clients.find(({ id }) => id === service)?.keys).toEqual([expect.objectContaining({ kid: keyId })]);
  }
});

it('gives the rights that deploy/compose gives, to the same services', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-secrets-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const consumers = ['all', 'mysql', 'rabbitmq', 'consoles', 'eureka', 'gateway'];
  const services = ['patient', 'doctor', 'appointment', 'notification', 'identity'];
  for (const name of [...consumers, ...services]) await mkdir(join(folder, name));
  const program = join(import.meta.dirname, '../../../../deploy/compose/make-secrets.mjs');
  const make = () => execFileSync(process.execPath, [program, folder]);
  make();
  const ours = await madeIn();
  const read = (...names: string[]) => readFile(join(...names), 'utf8');
  const grantsIn = (text: string) =>
    text
      .toLowerCase()
      .match(/^grant .*$/gm)
      ?.toSorted();
  const grants = grantsIn(await read(folder, 'mysql/users.sql'));
  expect(grants).toHaveLength(services.length);
  expect(grants).toEqual(grantsIn(await read(ours, 'mysql-databases.sql')));
  const permissionsIn = (text: string): { user: string }[] =>
    JSON.parse(text)
      .permissions.filter(({ user }: { user: string }) => user !== 'operator')
      .toSorted((one: { user: string }, other: { user: string }) => one.user.localeCompare(other.user));
  const permissions = permissionsIn(await read(folder, 'rabbitmq/definitions.json'));
  expect(permissions).toHaveLength(services.length);
  expect(permissions).toEqual(permissionsIn(await read(ours, 'rabbitmq-definitions.json')));

  const clients: { id: string; keys: { kid: string }[] }[] = JSON.parse(await read(folder, 'identity/clients'));
  for (const service of SERVICES_WITH_KEYS) {
    const file = join(folder, service.replace('-service', ''), 'service-key');
    const config = { DAYBOOK_DATA: folder, DAYBOOK_SERVICE_KEY: (await readFile(file, 'utf8')).trim() };
    const { keyId } = await readServiceKey(config, service);
    expect(clients.find(({ id }) => id === service)?.keys).toEqual([expect.objectContaining({ kid: keyId })]);
  }
  const { identityKey } = await parseRootKey((await read(folder, 'identity/root-key')).trim());
  const publicHalf = (await read(folder, 'patient/identity-key')).trim();
  expect((await parseIdentityKey(publicHalf)).keyId).toBe((await parseIdentityKey(identityKey)).keyId);
  parseSealingKey(await read(folder, 'identity/sealing-key'));
  const before = await read(folder, 'identity/root-key');
  make();
  expect(await read(folder, 'identity/root-key')).toBe(before);
});
