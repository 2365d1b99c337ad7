import { lstat, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatIdentityKey, generatePrivateJwk, parseIdentityKey, publicJwkOf, verifyKeySet } from '@daybook/access';
import { createInProcessBus } from '@daybook/messaging';
import { createLogger, type HostProcess, SERVICES_WITH_KEYS, systemClock } from '@daybook/service';
import { describe, expect, it, onTestFinished } from 'vitest';
import { foreignIssuerOf } from './config.ts';
import { readConfig, start } from './main.ts';

async function hostWith(environment: Record<string, string> = {}): Promise<HostProcess & { folder: string }> {
  const parent = await mkdtemp(join(tmpdir(), 'daybook-identity-'));
  onTestFinished(() => rm(parent, { recursive: true }));
  const folder = join(parent, 'data');
  return {
    folder,
    environment: { DAYBOOK_DATA: folder, ...environment },
    logger: createLogger({ level: 'silent' }),
    // Nothing listens there, so the service runs and is not registered.
    registryUrls: ['http://127.0.0.1:9/eureka'],
    bus: createInProcessBus(),
    relaysEvents: false,
    fetchIntervalMillis: 1_000,
    clock: systemClock,
  };
}

const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );

describe('a start', () => {
  it('makes the keys in the data folder, and serves pages and keys', async () => {
    const host = await hostWith();
    const service = await start(host);
    onTestFinished(() => service.close({ callersAreGone: true }));
    expect(service.name).toBe('identity-service');
    expect((await fetch(new URL('/identity/sign-in', service.url))).status).toBe(200);
    const discovery = await fetch(new URL('/identity/.well-known/openid-configuration', service.url));
    expect(await discovery.json()).toMatchObject({ issuer: 'http://127.0.0.1:8080/identity' });
    const { kty, crv, x, y } = JSON.parse(await readFile(join(host.folder, 'identity-root-key.json'), 'utf8'));
    const rootKey = await parseIdentityKey(Buffer.from(JSON.stringify({ kty, crv, x, y })).toString('base64url'));
    const text = await (await fetch(new URL('/identity/keys', service.url))).text();
    expect((await verifyKeySet(text, rootKey, Date.now())).keys.size).toBe(2);
    for (const file of await readdir(host.folder)) expect((await stat(join(host.folder, file))).mode & 0o077).toBe(0);
  });

  it('keeps its keys, so that tokens and secrets of before stay good', async () => {
    const host = await hostWith();
    const keysOf = async () => {
      const service = await start(host);
      const { keys } = (await (await fetch(new URL('/identity/jwks', service.url))).json()) as {
        keys: { kid: string }[];
      };
      await service.close({ callersAreGone: true });
      return keys.map(({ kid }) => kid);
    };
    expect(await keysOf()).toEqual(await keysOf());
  });

  it('with keys from mounted files makes no folder, and signs the key set with that root key', async () => {
    const secrets = await mkdtemp(join(tmpdir(), 'daybook-secrets-'));
    onTestFinished(() => rm(secrets, { recursive: true }));
    const host = await hostWith();
    const root = await generatePrivateJwk();
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const clients = SERVICES_WITH_KEYS.map(async (id) => {
      const key = await publicJwkOf(await generatePrivateJwk());
      return { kind: 'service', id, keys: [key] };
    });
    const contents = {
      DAYBOOK_IDENTITY_ROOT_KEY: encode(root),
      DAYBOOK_SEALING_KEY: Buffer.alloc(32, 7).toString('base64url'),
      DAYBOOK_IDENTITY_CLIENTS: JSON.stringify(await Promise.all(clients)),
    };
    const files: Record<string, string> = {};
    for (const [name, content] of Object.entries(contents)) {
      files[`${name}_FILE`] = join(secrets, name);
      // As a cluster mounts a Secret: its group may read it.
      await writeFile(join(secrets, name), content, { mode: 0o640 });
    }
    const database = { DATABASE_URL: `sqlite:${join(secrets, 'identity.sqlite')}` };
    const environment = { ...host.environment, ...files, ...database };
    const service = await start({ ...host, environment });
    onTestFinished(() => service.close({ callersAreGone: true }));
    const text = await (await fetch(new URL('/identity/keys', service.url))).text();
    const rootKey = await parseIdentityKey(await formatIdentityKey(root));
    expect((await verifyKeySet(text, rootKey, Date.now())).keys.size).toBe(2);
    expect(await exists(join(host.folder, 'identity-root-key.json'))).toBe(false);
    expect(await exists(join(host.folder, 'first-administrator-link.txt'))).toBe(false);
  });

  it('with the public half of another root key, or without a service among its clients, ends with 78', async () => {
    const [one, other] = [await generatePrivateJwk(), await generatePrivateJwk()];
    const root = Buffer.from(JSON.stringify(one)).toString('base64url');
    const withOther = await hostWith({
      DAYBOOK_IDENTITY_ROOT_KEY: root,
      DAYBOOK_IDENTITY_KEY: await formatIdentityKey(other),
    });
    await expect(start(withOther)).rejects.toMatchObject({
      exitCode: 78,
      message: expect.stringContaining('not the public half'),
    });
    await expect(start(await hostWith({ DAYBOOK_IDENTITY_ROOT_KEY: root }))).rejects.toMatchObject({
      exitCode: 78,
      message: expect.stringContaining('DAYBOOK_IDENTITY_CLIENTS lacks gateway-service'),
    });
  });

  it('on a database that another sealing key sealed can never be ready, and the reason names the remedy', async () => {
    const host = await hostWith();
    await (await start(host)).close({ callersAreGone: true });
    // As after a restore into another folder: the backup has no keys.
    await rm(join(host.folder, 'sealing-key'));
    const service = await start(host);
    onTestFinished(() => service.close({ callersAreGone: true }));
    const failure: unknown = await service.ready.catch((error: unknown) => error);
    expect(failure).toMatchObject({
      exitCode: 78,
      message: expect.stringContaining('Set DAYBOOK_SEALING_KEY to that'),
    });
  });

  it('does not depend on the foreign issuer, which may be away', async () => {
    const host = await hostWith({
      // Nothing listens there.
      OIDC_ISSUER: 'http://127.0.0.1:9/realms/clinic',
      OIDC_CLIENT_ID: 'daybook',
      OIDC_CLIENT_SECRET: 'secret',
    });
    const service = await start(host);
    onTestFinished(() => service.close({ callersAreGone: true }));
    const away = await fetch(new URL('/identity/foreign/sign-in', service.url), { redirect: 'manual' });
    expect([away.status, away.headers.get('retry-after')]).toEqual([503, '10']);
    expect((await fetch(new URL('/identity/sign-in', service.url))).status).toBe(200);
  });

  it('with a sealing key of the wrong form ends with 78, and does not show it', async () => {
    const host = await hostWith({ DAYBOOK_SEALING_KEY: 'not-a-key' });
    const failure = await start(host).catch((error: unknown) => error);
    expect(failure).toMatchObject({ exitCode: 78 });
    expect(String(failure)).not.toContain('not-a-key');
  });
});

describe('the configuration', () => {
  it('rejects a public URL that is neither https nor on this machine', () => {
    for (const url of [
      'https://daybook.example',
      'http://localhost:8080',
      'http://127.0.0.1:8080',
      'http://[::1]:8080',
    ]) {
      expect(readConfig({ DAYBOOK_PUBLIC_URL: url }).DAYBOOK_PUBLIC_URL).toBe(url);
    }
    for (const url of ['http://daybook.example', 'http://192.168.1.5:8080', 'http://127.0.0.1.example']) {
      expect(() => readConfig({ DAYBOOK_PUBLIC_URL: url })).toThrow(/DAYBOOK_PUBLIC_URL must be https/);
    }
  });

  it.each([
    ['text that is not JSON', '{'],
    [
      'a private key',
      '[{"kind":"service","id":"a-service","keys":[{"kty":"EC","crv":"P-256","x":"X","y":"X","d":"X"}]}]',
    ],
    [
      'a short secret',
      '[{"kind":"application","id":"a","name":"A","redirectUris":["https://a.example/"],"secret":"short"}]',
    ],
    ['an address that is not one', '[{"kind":"application","id":"a","name":"A","redirectUris":["a"]}]'],
    [
      'an unknown member',
      '[{"kind":"application","id":"a","name":"A","redirectUris":["https://a.example/"],"role":"x"}]',
    ],
  ])('rejects clients with %s, and does not show them', (_what, text) => {
    const list = text.replaceAll('"X"', `"${'x'.repeat(43)}"`);
    expect(() => readConfig({ DAYBOOK_IDENTITY_CLIENTS: list })).toThrow(
      'Wrong configuration: DAYBOOK_IDENTITY_CLIENTS is not a list of clients in JSON.',
    );
  });

  const foreign = {
    OIDC_ISSUER: 'https://sso.example/realms/clinic',
    OIDC_CLIENT_ID: 'd',
    OIDC_CLIENT_SECRET: 's3cret',
  };

  it('takes a foreign issuer by https, or on this machine', () => {
    const { url, roleClaim } = foreignIssuerOf(readConfig(foreign)) ?? expect.fail('there is no issuer');
    expect([url.href, roleClaim]).toEqual(['https://sso.example/realms/clinic', 'roles']);
    for (const OIDC_ISSUER of ['http://127.0.0.1:8180/realms/x', 'http://localhost:8180', 'http://[::1]:1']) {
      expect(foreignIssuerOf(readConfig({ ...foreign, OIDC_ISSUER }))?.url.href).toContain(OIDC_ISSUER);
    }
    expect(foreignIssuerOf(readConfig({}))).toBeUndefined();
  });

  it.each([
    ['an issuer without a client', { OIDC_ISSUER: foreign.OIDC_ISSUER }, /OIDC_ISSUER needs OIDC_CLIENT_ID and/],
    ['an issuer without a secret', { ...foreign, OIDC_CLIENT_SECRET: '' }, /OIDC_ISSUER needs OIDC_CLIENT_ID and/],
    ['a client without an issuer', { ...foreign, OIDC_ISSUER: '' }, /OIDC_CLIENT_ID.* need OIDC_ISSUER/],
    ['a role claim alone', { OIDC_ROLE_CLAIM: 'roles' }, /OIDC_ROLE_CLAIM need OIDC_ISSUER/],
    ['http elsewhere', { ...foreign, OIDC_ISSUER: 'http://sso.example' }, /OIDC_ISSUER must be an https URL/],
    ['http at a name like ours', { ...foreign, OIDC_ISSUER: 'http://127.0.0.1.example' }, /must be an https URL/],
    ['another scheme', { ...foreign, OIDC_ISSUER: 'file:///etc/passwd' }, /must be an https URL/],
    ['a query', { ...foreign, OIDC_ISSUER: 'https://sso.example/?tenant=1' }, /must be an https URL/],
    ['a password', { ...foreign, OIDC_ISSUER: 'https://a:b@sso.example/' }, /must be an https URL/],
    ['text that is not a URL', { ...foreign, OIDC_ISSUER: 'sso.example' }, /must be an https URL/],
  ])('of a foreign issuer with %s ends the start with 78, and shows no secret', (_what, environment, message) => {
    const read = () => readConfig(environment);
    expect(read).toThrow(message);
    expect(read).toThrow(expect.objectContaining({ exitCode: 78, message: expect.not.stringContaining('s3cret') }));
  });

  it('rejects a client that is there twice', () => {
    const one = { kind: 'application', id: 'a', name: 'A', redirectUris: ['https://a.example/'] };
    expect(() => readConfig({ DAYBOOK_IDENTITY_CLIENTS: JSON.stringify([one, one]) })).toThrow(/names a client twice/);
  });
});
