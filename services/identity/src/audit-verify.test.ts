/** Runs `npm run audit:verify` on a data folder, before and after the root key is replaced. */
import { execFile } from 'node:child_process';
import { appendFile, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareRootKey, ROOT_KEY_FILE } from '@daybook/access';
import { openDatabase } from '@daybook/database';
import { databaseUrlOf, EXIT, systemClock } from '@daybook/service';
import { expect, it, onTestFinished } from 'vitest';
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

/** Makes a data folder whose chain has a checkpoint and a signed head. Returns its public root key. */
async function folderWithTrail() {
  const folder = await temporaryFolder();
  const { signing, verification, identityKey } = await prepareRootKey(folder);
  const database = await openDatabase<IdentityTables>(databaseUrlOf({ DAYBOOK_DATA: folder }, 'identity'), migrations);
  const audit = createAuditTrail(database, systemClock);
  for (let entries = 0; entries < 4; entries += 1) await audit.append({ action: 'sign-in-failed' });
  const retain = createAuditRetention({
    database,
    clock: () => systemClock().add({ hours: 24 * 200 }),
    days: 100,
    readCheckpoint: (signed) => readPlace('checkpoint', signed, [verification]),
    signCheckpoint: (place) => signPlace('checkpoint', place, systemClock(), signing),
  });
  expect(await retain()).toBe(3);
  const head = await database.read((db) => db.selectFrom('audit_head').selectAll().executeTakeFirstOrThrow());
  await appendFile(join(folder, HEADS_FILE), `${await signPlace('head', head, systemClock(), signing)}\n`);
  await database.close();
  return { folder, identityKey };
}

function verify(folder: string, ...options: string[]): Promise<{ code: number; output: string }> {
  const { promise, resolve } = Promise.withResolvers<{ code: number; output: string }>();
  const program = join(import.meta.dirname, 'audit-verify.ts');
  const env = { DAYBOOK_DATA: folder };
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

it.each([
  ['an option that it does not know', ['--heed', 'x'], EXIT.usage],
  ['a key that is not one', ['--key', 'no-key'], EXIT.configuration],
  ['a file of heads that is not there', ['--heads', join(tmpdir(), 'no-such-daybook-heads')], EXIT.inputOutput],
])('%s ends it with a line instead of a stack', async (_, options, code) => {
  const folder = await temporaryFolder();
  const failed = await verify(folder, ...options);
  expect(failed.code).toBe(code);
  expect(failed.output.trim().split('\n')).toHaveLength(1);
});
