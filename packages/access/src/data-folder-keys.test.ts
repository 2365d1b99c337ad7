/** The root key and the sealing key in a data folder. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { temporaryFolder } from '@daybook/testing';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { generatePrivateJwk, publicJwkOf } from './key-pair.ts';
import { formatIdentityKey, parseIdentityKey, parseRootKey, prepareRootKey, readRootKey } from './root-key.ts';
import { parseSealingKey, prepareSealingKey, seal, unseal } from './sealing.ts';
import { createSecretFile, readSecretFile } from './secret-file.ts';
import { signJws, verifyJws } from './strict-jws.ts';

const FILES = ['identity-root-key.json', 'sealing-key'] as const;
let folder: string;

beforeEach(async () => {
  const temporary = await temporaryFolder();
  onTestFinished(() => temporary[Symbol.asyncDispose]());
  folder = temporary.path;
  // The folder itself may be open to others.
  await chmod(folder, 0o755);
});

const prepareBoth = async () => {
  const [root, sealing] = await Promise.all([prepareRootKey(folder), prepareSealingKey(folder)]);
  return `${root.signing.keyId} ${sealing.id}`;
};

describe('both keys', () => {
  it('are made once, for this user of the machine only', async () => {
    expect(await readRootKey(folder)).toBeUndefined();
    const made = await prepareBoth();
    expect(await prepareBoth()).toBe(made);
    expect((await readRootKey(folder))?.signing.keyId).toBe(made.split(' ')[0]);
    expect((await readdir(folder)).toSorted()).toEqual(FILES);
    for (const name of FILES) expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
  });

  it('are the same for all callers that make them simultaneously', async () => {
    const made = await Promise.all(Array.from({ length: 30 }, prepareBoth));
    expect(new Set(made).size).toBe(1);
    expect((await readdir(folder)).toSorted()).toEqual(FILES);
  });

  it('are the same for all processes that make them simultaneously', async () => {
    const program = join(import.meta.dirname, 'testing-key-maker.ts');
    const makers = Array.from({ length: 3 }, () => {
      const child = spawn(process.execPath, [program, folder], { stdio: ['pipe', 'pipe', 'inherit'] });
      onTestFinished(() => void child.kill('SIGKILL'));
      return { child, lines: createInterface(child.stdout)[Symbol.asyncIterator]() };
    });
    for (const { lines } of makers) expect(await lines.next()).toMatchObject({ value: 'ready' });
    for (const { child } of makers) child.stdin.write('go\n');
    const made = await Promise.all(makers.map(({ lines }) => lines.next()));
    expect(new Set(made.map(({ value }) => value)).size).toBe(1);
    expect(made[0]?.value).toBe(await prepareBoth());
    expect((await readdir(folder)).toSorted()).toEqual(FILES);
    await Promise.all(makers.map(({ child }) => child.exitCode ?? once(child, 'close')));
  });

  it.each([
    ['644', 0o644],
    ['640', 0o640],
    ['620', 0o620],
    ['604', 0o604],
  ])('are refused with mode %s, with a message that names the remedy', async (_, mode) => {
    await prepareBoth();
    for (const name of FILES) await chmod(join(folder, name), mode);
    for (const prepare of [prepareRootKey, prepareSealingKey, readRootKey]) {
      await expect(prepare(folder)).rejects.toThrow(
        expect.objectContaining({
          name: 'UnusableSecret',
          message: expect.stringContaining(`run: chmod 600 ${folder}`),
        }),
      );
    }
  });

  it.each(['', '{}', 'null', 'not a key', 'x'.repeat(5_000)])('are refused with the content %j', async (content) => {
    for (const name of FILES) await writeFile(join(folder, name), content, { mode: 0o600 });
    for (const prepare of [prepareRootKey, prepareSealingKey]) {
      const failure: unknown = await prepare(folder).catch((error: unknown) => error);
      expect(failure).toMatchObject({ name: 'UnusableSecret', message: expect.stringContaining(folder) });
    }
    for (const name of FILES) expect(await readFile(join(folder, name), 'utf8')).toBe(content);
  });
});

it.each([prepareRootKey, prepareSealingKey])(
  'a key that cannot be made or read is an error with its path',
  async (prepare) => {
    await expect(prepare(join(folder, 'missing'))).rejects.toMatchObject({
      name: 'UnusableSecret',
      message: expect.stringContaining('cannot be created (ENOENT)'),
    });
    for (const name of FILES) await mkdir(join(folder, name), { mode: 0o700 });
    await expect(prepare(folder)).rejects.toMatchObject({
      name: 'UnusableSecret',
      message: expect.stringContaining('cannot be read (EISDIR)'),
    });
  },
);

it('a secret file is complete from the moment that it exists', async () => {
  const content = 'x'.repeat(4_000);
  for (let round = 0; round < 100; round += 1) {
    const path = join(folder, `secret-${round}`);
    const created = createSecretFile(path, content);
    let found: string | undefined;
    while (found === undefined) found = await readSecretFile(path);
    expect(found.length).toBe(content.length);
    await created;
  }
});

describe('the root key', () => {
  it('signs what its public half in the configuration verifies', async () => {
    const { signing, identityKey } = await prepareRootKey(folder);
    const { keyId, publicKey } = await parseIdentityKey(identityKey);
    const text = await signJws({ a: 1 }, 'test', signing);
    const findKey = async (kid: string) => (kid === keyId ? publicKey : undefined);
    expect(await verifyJws(text, { types: ['test'], maxLength: 1_000, findKey })).toEqual({ payload: { a: 1 }, keyId });
  });

  it('keeps its private half out of the configuration', async () => {
    const { identityKey } = await prepareRootKey(folder);
    const jwk: unknown = JSON.parse(Buffer.from(identityKey, 'base64url').toString('utf8'));
    expect(jwk).not.toHaveProperty('d');
    const { d } = JSON.parse(await readFile(join(folder, FILES[0]), 'utf8'));
    expect(identityKey).not.toContain(d);
  });

  it('is refused when its halves do not belong together', async () => {
    const [one, other] = [await generatePrivateJwk(), await generatePrivateJwk()];
    await writeFile(join(folder, FILES[0]), JSON.stringify({ ...one, d: other.d }), { mode: 0o600 });
    await expect(prepareRootKey(folder)).rejects.toMatchObject({ name: 'UnusableSecret' });
  });

  it('is made again when its file was deleted', async () => {
    const before = await prepareRootKey(folder);
    await rm(join(folder, FILES[0]));
    expect((await prepareRootKey(folder)).signing.keyId).not.toBe(before.signing.keyId);
  });
});

describe('DAYBOOK_IDENTITY_KEY', () => {
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

  it('may lack the members that follow from the others', async () => {
    const jwk = await generatePrivateJwk();
    const { kty, crv, x, y, kid } = await publicJwkOf(jwk);
    expect((await parseIdentityKey(encode({ kty, crv, x, y }))).keyId).toBe(kid);
    expect((await parseIdentityKey(await formatIdentityKey(jwk))).keyId).toBe(kid);
  });

  it('is refused with a private key, and the message recommends a new one', async () => {
    const jwk = await generatePrivateJwk();
    const failure: unknown = await parseIdentityKey(encode(jwk)).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'UnusableSecret', message: expect.stringContaining('private key') });
    expect(String(failure)).not.toContain(jwk.d);
  });

  it('is refused under the id of another key', async () => {
    const [one, other] = [await publicJwkOf(await generatePrivateJwk()), await publicJwkOf(await generatePrivateJwk())];
    await expect(parseIdentityKey(encode({ ...one, kid: other.kid }))).rejects.toThrow('thumbprint');
  });

  it.each<[string, string]>([
    ['nothing', ''],
    ['text', 'not a key'],
    ['null', encode(null)],
    ['a secret', encode({ kty: 'oct', k: 'AAAA' })],
    ['a point off the curve', encode({ kty: 'EC', crv: 'P-256', x: 'A'.repeat(43), y: 'B'.repeat(43) })],
  ])('is refused with %s', async (_, text) => {
    await expect(parseIdentityKey(text)).rejects.toMatchObject({
      name: 'UnusableSecret',
      message: expect.stringContaining('DAYBOOK_IDENTITY_KEY'),
    });
  });
});

describe('DAYBOOK_IDENTITY_ROOT_KEY', () => {
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

  it('signs what its public half verifies', async () => {
    const jwk = await generatePrivateJwk();
    const { signing, identityKey } = await parseRootKey(encode(jwk));
    expect(identityKey).toBe(await formatIdentityKey(jwk));
    expect(signing.keyId).toBe((await parseIdentityKey(identityKey)).keyId);
  });

  it('is refused as anything but a private key, and the message does not show it', async () => {
    const [one, other] = [await generatePrivateJwk(), await generatePrivateJwk()];
    for (const value of [null, await publicJwkOf(one), { ...one, d: other.d }, { kty: 'oct', k: 'AAAA' }]) {
      const failure: unknown = await parseRootKey(encode(value)).catch((error: unknown) => error);
      expect(failure).toMatchObject({
        name: 'UnusableSecret',
        message: expect.stringContaining('DAYBOOK_IDENTITY_ROOT_KEY is not a key'),
      });
      expect(String(failure)).not.toContain(other.d);
    }
  });
});

describe('DAYBOOK_SEALING_KEY', () => {
  it('may be that of a data folder', async () => {
    const made = await prepareSealingKey(folder);
    const copied = parseSealingKey(await readFile(join(folder, FILES[1]), 'utf8'));
    expect(unseal(seal(Buffer.from('secret'), made, 'test'), copied, 'test').toString()).toBe('secret');
  });

  it.each(['', 'short', 'A'.repeat(42), 'A'.repeat(44), `${'A'.repeat(42)}!`])('is refused as %j', (text) => {
    expect(() => parseSealingKey(text)).toThrow(/DAYBOOK_SEALING_KEY is not 32 bytes/);
  });
});
