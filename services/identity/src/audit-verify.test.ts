/** Runs `npm run audit:verify` on a data folder, before and after the root key is replaced. */
import { execFile } from 'node:child_process';
import { appendFile, mkdtemp, readdir, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatIdentityKey, generatePrivateJwk, prepareRootKey, ROOT_KEY_FILE, type RootKey } from '@daybook/access';
import { openDatabase } from '@daybook/database';
import { databaseUrlOf, EXIT, systemClock } from '@daybook/service';
import type { Transaction } from 'kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import { migrations } from '../migrations/index.ts';
import { HEADS_FILE } from './audit-heads.ts';
import { readPlace, signPlace } from './keys/audit-seals.ts';
import { createAuditTrail } from './store/audit.ts';
import { createAuditRetention } from './store/audit-retention.ts';
import type { IdentityTables } from './store/tables.ts';

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-verify-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

async function openTrail(folder: string) {
  return openDatabase<IdentityTables>(databaseUrlOf({ DAYBOOK_DATA: folder }, 'identity'), migrations);
}

/** Changes the database of a data folder. */
async function change(folder: string, work: (tx: Transaction<IdentityTables>) => Promise<unknown>): Promise<void> {
  const database = await openTrail(folder);
  await database.write(work);
  await database.close();
}

async function checkpointIn(folder: string): Promise<string> {
  const database = await openTrail(folder);
  const { signed } = await database.read((db) =>
    db.selectFrom('audit_checkpoint').selectAll().executeTakeFirstOrThrow(),
  );
  await database.close();
  return signed;
}

/** Replaces the root key of a data folder. Returns the new one. */
async function replaceRootKey(folder: string): Promise<RootKey> {
  await rm(join(folder, ROOT_KEY_FILE));
  return prepareRootKey(folder);
}

/** Makes a data folder whose chain has a signed head, and a checkpoint if so. Returns its public root key. */
async function folderWithTrail({ hasCheckpoint = true } = {}) {
  const folder = await temporaryFolder();
  const { signing, verification, identityKey } = await prepareRootKey(folder);
  const database = await openTrail(folder);
  const audit = createAuditTrail(database, systemClock);
  for (let entries = 0; entries < 4; entries += 1) await audit.append({ action: 'sign-in-failed' });
  const retain = createAuditRetention({
    database,
    clock: () => systemClock().add({ hours: 24 * 200 }),
    days: 100,
    readCheckpoint: (signed) => readPlace('checkpoint', signed, [verification]),
    signCheckpoint: (place) => signPlace('checkpoint', place, systemClock(), signing),
  });
  if (hasCheckpoint) expect(await retain()).toBe(3);
  const head = await database.read((db) => db.selectFrom('audit_head').selectAll().executeTakeFirstOrThrow());
  await appendFile(join(folder, HEADS_FILE), `${await signPlace('head', head, systemClock(), signing)}\n`);
  await database.close();
  return { folder, identityKey };
}

const verify = (folder: string, ...options: string[]) => verifyWith({ DAYBOOK_DATA: folder }, options);

function verifyWith(env: Record<string, string>, options: string[]): Promise<{ code: number; output: string }> {
  const { promise, resolve } = Promise.withResolvers<{ code: number; output: string }>();
  const program = join(import.meta.dirname, 'audit-verify.ts');
  execFile(process.execPath, [program, ...options], { env }, (error, stdout, stderr) =>
    resolve({ code: typeof error?.code === 'number' ? error.code : 0, output: `${stdout}${stderr}` }),
  );
  return promise;
}

it('a chain whose root key was replaced needs the former key, until its checkpoint is renewed', async () => {
  const { folder, identityKey } = await folderWithTrail();
  await rename(join(folder, ROOT_KEY_FILE), join(folder, 'former-key.json'));
  await prepareRootKey(folder);
  const unknown = { code: EXIT.data, output: expect.stringContaining('identity did not sign it') };
  expect(await verify(folder, '--renew-checkpoint')).toEqual(unknown);
  expect(await verify(folder, '--key', identityKey)).toEqual({
    code: 0,
    output: 'The audit chain is whole: 1 entries. Retention has removed 3 before them. It has 1 signed heads.\n',
  });
  expect(await verify(folder)).toEqual(unknown);
  expect(await verify(folder, '--key', identityKey, '--renew-checkpoint')).toMatchObject({ code: 0 });
  expect(await verify(folder)).toEqual({
    code: 0,
    output: expect.stringMatching(/whole: 1 entries.*1 heads of another root key were not compared/),
  });
}, 60_000);

describe('--key', () => {
  it('compares heads of a former root key, which are only counted without it', async () => {
    const { folder, identityKey } = await folderWithTrail({ hasCheckpoint: false });
    await replaceRootKey(folder);
    expect(await verify(folder)).toEqual({
      code: 0,
      output:
        'The audit chain is whole: 4 entries. It was not compared with signed heads, because none are known. ' +
        '1 heads of another root key were not compared.\n',
    });
    const whole = 'The audit chain is whole: 4 entries. It has 1 signed heads.\n';
    expect(await verify(folder, '--key', identityKey)).toEqual({ code: 0, output: whole });
    const other = await formatIdentityKey(await generatePrivateJwk());
    expect(await verify(folder, '--key', other, '--key', identityKey)).toEqual({ code: 0, output: whole });
    expect(await verify(folder, '--key', other)).toMatchObject({ output: expect.stringMatching(/1 heads of another/) });
  }, 60_000);

  it('finds a cut chain by a head of a former root key', async () => {
    const { folder, identityKey } = await folderWithTrail({ hasCheckpoint: false });
    await replaceRootKey(folder);
    await change(folder, async (tx) => {
      const last = await tx.selectFrom('audit_entries').selectAll().where('position', '=', 4).executeTakeFirstOrThrow();
      await tx.deleteFrom('audit_entries').where('position', '=', 4).execute();
      await tx.updateTable('audit_head').set({ position: 3, hash: last.previous_hash }).execute();
    });
    expect(await verify(folder)).toMatchObject({ code: 0 });
    expect(await verify(folder, '--key', identityKey)).toEqual({
      code: EXIT.data,
      output: expect.stringContaining('broken at entry 4: the chain is cut'),
    });
  }, 60_000);
});

describe('--renew-checkpoint', () => {
  it('signs the checkpoint with the present root key', async () => {
    const { folder, identityKey } = await folderWithTrail();
    const { verification } = await replaceRootKey(folder);
    await expect(readPlace('checkpoint', await checkpointIn(folder), [verification])).rejects.toThrow('unknown-key');
    expect(await verify(folder, '--key', identityKey, '--renew-checkpoint')).toEqual({
      code: 0,
      output: expect.stringMatching(/\nThe checkpoint at entry 3 is signed with the present root key\.\n$/),
    });
    expect(await readPlace('checkpoint', await checkpointIn(folder), [verification])).toMatchObject({ position: 3 });
  }, 60_000);

  it('reports that there is no checkpoint', async () => {
    const { folder } = await folderWithTrail({ hasCheckpoint: false });
    expect(await verify(folder, '--renew-checkpoint')).toEqual({
      code: 0,
      output: expect.stringMatching(/\nThere is no checkpoint to sign\.\n$/),
    });
  });

  it('signs nothing when the chain is broken', async () => {
    const { folder, identityKey } = await folderWithTrail();
    await replaceRootKey(folder);
    await change(folder, (tx) => tx.updateTable('audit_entries').set({ detail: 'otp' }).execute());
    const before = await checkpointIn(folder);
    expect(await verify(folder, '--key', identityKey, '--renew-checkpoint')).toEqual({
      code: EXIT.data,
      output: 'The audit chain is broken at entry 4: the head of the chain has another hash of this entry.\n',
    });
    expect(await checkpointIn(folder)).toBe(before);
  });

  it('ends with 78 before it verifies when the private root key is elsewhere', async () => {
    const { folder, identityKey } = await folderWithTrail();
    await rename(join(folder, ROOT_KEY_FILE), join(folder, 'elsewhere.json'));
    const before = await checkpointIn(folder);
    const env = { DAYBOOK_DATA: folder, DAYBOOK_IDENTITY_KEY: identityKey };
    expect(await verifyWith(env, [])).toMatchObject({ code: 0 });
    expect(await verifyWith(env, ['--renew-checkpoint'])).toEqual({
      code: EXIT.configuration,
      output:
        '--renew-checkpoint needs the private root key. Set DAYBOOK_DATA to the folder that has it, or set ' +
        'DAYBOOK_IDENTITY_ROOT_KEY.\n',
    });
    expect(await checkpointIn(folder)).toBe(before);
  });
});

it('lines that are not heads are counted', async () => {
  const { folder } = await folderWithTrail();
  await appendFile(join(folder, HEADS_FILE), 'eyJhbGciOiJF');
  expect(await verify(folder)).toEqual({
    code: 0,
    output: expect.stringMatching(/It has 1 signed heads\. 1 lines of the file are not signed heads\.\n$/),
  });
});

it('heads that exist and cannot be read end it with 74', async () => {
  const { folder } = await folderWithTrail();
  const path = join(folder, HEADS_FILE);
  await rm(path);
  await symlink(path, path);
  expect(await verify(folder)).toEqual({ code: EXIT.inputOutput, output: expect.stringContaining('ELOOP') });
});

it('a data folder without a database ends it with 78, and stays empty', async () => {
  const folder = await temporaryFolder();
  expect(await verify(folder)).toEqual({
    code: EXIT.configuration,
    output:
      'Wrong configuration: DAYBOOK_DATA must be the data folder of identity, because there is no ' +
      `${join(folder, 'identity.sqlite')}.\n`,
  });
  expect(await readdir(folder)).toEqual([]);
});

it('a database server that does not respond ends it with 69', async () => {
  const env = { DAYBOOK_DATA: await temporaryFolder(), DATABASE_URL: 'mysql://root@127.0.0.1:1/daybook' };
  const failed = await verifyWith(env, []);
  expect(failed).toEqual({ code: EXIT.unavailable, output: 'The database is not available. (ECONNREFUSED)\n' });
});

const PRIVATE_KEY = Buffer.from(JSON.stringify(await generatePrivateJwk())).toString('base64url');

it.each([
  ['an option that it does not know', ['--heed', 'x'], EXIT.usage, /--heed/],
  ['a word without an option', ['heads.log'], EXIT.usage, /heads\.log/],
  ['a key without its value', ['--key'], EXIT.usage, /--key/],
  ['a value of --renew-checkpoint', ['--renew-checkpoint=yes'], EXIT.usage, /--renew-checkpoint/],
  ['a key that is not one', ['--key', 'no-key'], EXIT.configuration, /^--key is not a key\. It must be the base64url/],
  ['a private key', ['--key', PRIVATE_KEY], EXIT.configuration, /^--key holds a private key/],
  ['a file of heads that is not there', ['--heads', '/no-such-daybook-heads'], EXIT.inputOutput, /no-such-daybook/],
])('%s ends it with a line instead of a stack', async (_, options, code, reason) => {
  const folder = await temporaryFolder();
  const failed = await verify(folder, ...options);
  expect(failed.code).toBe(code);
  expect(failed.output).toMatch(reason);
  expect(failed.output).not.toContain(PRIVATE_KEY);
  expect(failed.output.trim().split('\n')).toHaveLength(1);
});
