/** Queries among many rows use an index, as the plans of the present database show. */
import { idToBytes, newId, storeNoResponse } from '@daybook/database';
import { openObserved } from '@daybook/database/testing/query-plans';
import { expect, it } from 'vitest';
import { migrations } from '../../migrations/index.ts';
import { hashOfSecret } from '../credentials/secrets.ts';
import { testSealingKey } from '../testing.ts';
import { createAccountDirectory } from './account-directory.ts';
import { createAccountStore } from './accounts.ts';
import { createAuditTrail } from './audit.ts';
import { createAuditRetention } from './audit-retention.ts';
import { verifyAuditChain } from './audit-verification.ts';
import { createCredentialStore } from './credentials.ts';
import { createForeignAccountStore, hashOfIdentity } from './foreign-accounts.ts';
import { inviteIn } from './invitations.ts';
import { createLinkCodeStore } from './link-codes.ts';
import { createMailOutbox } from './mail-outbox.ts';
import { createArtifactStore } from './oidc-artifacts.ts';
import { createOneTimeLinkStore } from './one-time-links.ts';
import { createPasskeyStore } from './passkeys.ts';
import { createPendingSignInStore } from './pending-sign-ins.ts';
import { createRecordAccessStore } from './record-access.ts';
import { createSessionStore } from './sessions.ts';
import { createSweeps, EXPIRING } from './sweeps.ts';
import type { IdentityTables } from './tables.ts';
import { createThrottle } from './throttle.ts';

const ROWS = 3_000;
const DAY = 86_400_000;
const now = Temporal.Now.instant().epochMilliseconds;
const clock = () => Temporal.Instant.fromEpochMilliseconds(now);
/** One row in a hundred has ended. */
const endOf = (index: number): number => (index % 100 === 0 ? now - DAY : now + DAY);

const ids = Array.from({ length: ROWS }, () => newId());

async function openFull() {
  const opened = await openObserved<IdentityTables>(migrations);
  await opened.database.write(async (tx) => {
    for (let from = 0; from < ROWS; from += 500) {
      const some = ids.slice(from, from + 500).map((id, index) => ({ id: idToBytes(id), index: from + index }));
      await tx
        .insertInto('accounts')
        .values(
          some.map(({ id, index }) => ({
            id,
            role: 'patient' as const,
            status: 'active' as const,
            login_key: `person${index}@example.org`,
            email: `person${index}@example.org`,
            display_name: 'Person',
            doctor_id: null,
            locale: 'en',
            version: 1,
            created_at: 0,
            updated_at: 0,
          })),
        )
        .execute();
      await tx
        .insertInto('account_patients')
        .values(
          some.map(({ id }) => ({
            account_id: id,
            patient_id: id,
            relation: 'self' as const,
            ends_at: null,
            created_at: 0,
          })),
        )
        .execute();
      await tx
        .insertInto('sessions')
        .values(
          some.map(({ id, index }) => ({
            id_hash: hashOfSecret(`session ${index}`),
            account_id: id,
            methods: 'pwd',
            device: 'Firefox',
            authenticated_at: now - DAY,
            last_active_at: now - DAY,
            idle_ends_at: endOf(index),
            ends_at: endOf(index),
          })),
        )
        .execute();
      await tx
        .insertInto('oidc_sessions')
        .values(
          some.map(({ index }) => ({
            uid_hash: hashOfSecret(`uid ${index}`),
            session_hash: hashOfSecret(`session ${index}`),
          })),
        )
        .execute();
      await tx
        .insertInto('pending_sign_ins')
        .values(
          some.map(({ id, index }) => ({
            id_hash: hashOfSecret(`pending ${index}`),
            account_id: id,
            tries_left: 5,
            ends_at: endOf(index),
          })),
        )
        .execute();
      await tx
        .insertInto('one_time_links')
        .values(
          some.map(({ id, index }) => ({
            token_hash: hashOfSecret(`link ${index}`),
            purpose: 'recovery' as const,
            subject: `recovery:${index}`,
            account_id: id,
            tries_left: 5,
            created_at: 0,
            ends_at: endOf(index),
          })),
        )
        .execute();
      await tx
        .insertInto('link_codes')
        .values(
          some.map(({ id, index }) => ({
            code_hash: hashOfSecret(`code ${index}`),
            patient_id: id,
            relation: 'self' as const,
            link_ends_at: null,
            birth_date_code: '',
            identity_check: 'photo-id' as const,
            created_by: id,
            tries_left: 5,
            created_at: 0,
            ends_at: endOf(index),
          })),
        )
        .execute();
      await tx
        .insertInto('foreign_identities')
        .values(
          some.map(({ id, index }) => ({
            identity_hash: hashOfIdentity({ issuer: 'https://sso.example', subject: String(index) }),
            account_id: id,
            issuer: 'https://sso.example',
            subject: String(index),
            created_at: 0,
          })),
        )
        .execute();
      await tx
        .insertInto('throttles')
        .values(
          some.map(({ index }) => ({
            key_hash: hashOfSecret(`throttle ${index}`),
            failures: 1,
            paused_until: 0,
            ends_at: endOf(index),
          })),
        )
        .execute();
      await tx
        .insertInto('oidc_artifacts')
        .values(
          some.map(({ index }) => ({
            model: ['Session', 'Grant', 'RefreshToken'][index % 3] ?? '',
            id_hash: hashOfSecret(`artifact ${index}`),
            uid_hash: index % 3 === 0 ? hashOfSecret(`uid ${index}`) : null,
            grant_hash: hashOfSecret(`grant ${index % 700}`),
            payload: '{}',
            consumed_at: null,
            ends_at: endOf(index),
          })),
        )
        .execute();
      await tx
        .insertInto('used_challenges')
        .values(
          some.map(({ index }) => ({ challenge_hash: hashOfSecret(`challenge ${index}`), ends_at: endOf(index) })),
        )
        .execute();
      await tx
        .insertInto('audit_entries')
        .values(
          some.map(({ id, index }) => ({
            position: index + 1,
            at: 0,
            action: 'sign-in' as const,
            service: 'identity',
            operation: null,
            actor_id: id,
            actor_role: 'patient' as const,
            program: null,
            account_id: id,
            subject_id: null,
            detail: null,
            previous_hash: hashOfSecret(`entry ${index}`),
          })),
        )
        .execute();
      await tx
        .insertInto('audit_patients')
        .values(some.map(({ id, index }) => ({ position: index + 1, patient_id: id })))
        .execute();
      await tx
        .insertInto('passwords')
        .values(some.map(({ id }) => ({ account_id: id, hash: 'hash', changed_at: 0 })))
        .execute();
    }
  });
  await opened.database.write((tx) =>
    tx
      .insertInto('audit_head')
      .values({ id: 1, position: ROWS, hash: hashOfSecret('head') })
      .execute(),
  );
  await opened.analyze();
  return opened;
}

it('no request reads more rows than it needs', async () => {
  const { observed, count, faults } = await openFull();
  const [id = ''] = ids;
  const accounts = createAccountStore(observed, clock);
  await accounts.findForSignIn('person7@example.org');
  await accounts.findClaims(id);
  await accounts.hasAdministrator();
  await accounts.linkPatient(id, { patientId: newId(), relation: 'carer' });
  await accounts.unlinkPatient(id, newId());
  await accounts.setStatus(ids[1] ?? '', 'disabled');
  const sessions = createSessionStore(observed, clock);
  const account = await accounts.find(id);
  if (!account) return expect.fail('there is no such account');
  const sessionId = await sessions.start({ account, methods: ['pwd'], device: 'Firefox' });
  const found = await sessions.find(sessionId, { isActive: true });
  const handle = found?.session.handle ?? '';
  await sessions.find('session 8', { isActive: true });
  await sessions.list(id);
  await sessions.attachOidc('uid', handle);
  await sessions.findByOidc('uid');
  await sessions.endByHandle(id, handle);
  await sessions.endOthers(id, handle);
  await sessions.end(sessionId);
  const pending = createPendingSignInStore(observed, clock);
  const pendingId = await pending.begin(id);
  await pending.find(pendingId);
  await pending.takeTry(pendingId);
  await pending.finish(pendingId);
  const links = createOneTimeLinkStore(observed, clock);
  const token = await links.create({ purpose: 'recovery', accountId: id });
  await links.exists({ purpose: 'first-administrator' });
  await links.find(token);
  await links.countFailure(token);
  await observed.write((tx) => links.useIn(tx, token));
  const credentials = createCredentialStore(observed, clock, testSealingKey());
  await observed.write((tx) => credentials.replaceAll(tx, id, { passwordHash: 'hash' }));
  await credentials.useTotpStep(id, 5);
  await credentials.useRecoveryCode(id, 'code');
  const passkeys = createPasskeyStore(observed, clock);
  await passkeys.add({ credentialId: 'key', accountId: id, publicKey: 'key', signCount: 0, label: 'Phone' });
  await passkeys.use('key', 0);
  await passkeys.list(id);
  const foreign = createForeignAccountStore(observed, clock, { sessions, audit: createAuditTrail(observed, clock) });
  const person = {
    issuer: 'https://sso.example',
    subject: '7',
    role: 'doctor',
    displayName: 'Dora',
    email: '',
    locale: undefined,
    authenticatedAt: undefined,
  } as const;
  await foreign.signIn(person, { device: 'Firefox', language: 'en' });
  await foreign.signIn({ ...person, subject: 'new' }, { device: 'Firefox', language: 'en' });
  const throttle = createThrottle(observed, clock);
  const attempt = await throttle.beginPassword({ loginKey: 'a', address: '203.0.113.1' });
  if ('succeed' in attempt) await attempt.succeed();
  expect(count()).toBeGreaterThan(50);
  // The few sessions of an account are sorted.
  expect(await faults(/TEMP B-TREE|filesort/)).toEqual([]);
}, 60_000);

it('no list of accounts reads more rows than it needs', async () => {
  const { observed, count, faults } = await openFull();
  const [id = ''] = ids;
  const directory = createAccountDirectory(observed, clock);
  await directory.search({});
  await directory.search({ role: 'administrator' });
  await directory.search({ status: 'disabled' });
  await directory.search({ role: 'administrator', status: 'active' });
  await directory.search({ patientId: id });
  await directory.search({ q: 'person' });
  await directory.search({ q: 'person7@', role: 'patient', patientId: id });
  const write = { storeResponse: storeNoResponse, checkVersion: () => undefined };
  await directory.change(newId(), id, { status: 'disabled', displayName: 'Ana' }, write);
  const access = createRecordAccessStore(observed, clock);
  await access.list({ patientId: id }, undefined);
  await access.list({ patientId: id }, id);
  await access.revoke(id, id, ids[1], { id, role: 'patient' });
  await access.revoke(id, id, undefined, { id, role: 'administrator' });
  const codes = createLinkCodeStore(observed, clock, Buffer.alloc(32));
  const input = { birthDate: '1990-02-01', relation: 'self', identityCheck: 'photo-id' } as const;
  const { code } = await observed.write((tx) => codes.createIn(tx, { ...input, patientId: id, createdBy: id }));
  await codes.redeem({ id, role: 'patient' }, { code, birthDate: input.birthDate });
  await observed.write((tx) =>
    inviteIn(tx, observed, { role: 'patient', email: 'new@example.org', displayName: 'New', locale: 'en' }, clock),
  );
  const audit = createAuditTrail(observed, clock);
  await audit.search({}, undefined);
  await audit.search({ accountId: id }, undefined);
  await audit.search({ actorId: id }, undefined);
  await audit.search({ patientId: id }, id);
  await audit.search({}, id);
  await audit.search({ patientId: id, actorId: id }, undefined);
  await verifyAuditChain(observed);
  await createAuditRetention({
    database: observed,
    clock,
    days: 36_500,
    signCheckpoint: async () => '',
    readCheckpoint: async () => ({ position: 0, hash: Buffer.alloc(32) }),
  })();
  const outbox = createMailOutbox(observed, clock, Buffer.alloc(32));
  await observed.write((tx) => outbox.enqueueIn(tx, { purpose: 'recovery', loginKey: 'a', accountId: id }));
  for (const mail of await outbox.claim()) await outbox.postpone(mail);
  expect(count()).toBeGreaterThan(20);
  // The count of a search stops at a limit, and the few codes of a patient are sorted.
  expect(await faults(/TEMP B-TREE|filesort|SCAN found|Impossible WHERE/)).toEqual([]);
}, 60_000);

it('no artifact of oidc-provider is found by reading others', async () => {
  const { observed, count, faults } = await openFull();
  const store = createArtifactStore(observed, clock);
  await store.upsert('Session', 'artifact new', { uid: 'uid 3' }, 60);
  await store.find('Session', 'artifact 3');
  await store.findByUid('Session', 'uid 6');
  await store.consume('RefreshToken', 'artifact 5');
  await store.revokeByGrantId('RefreshToken', 'grant 7');
  await store.destroy('Grant', 'artifact 4');
  await store.upsert('Interaction', 'new', {}, 60);
  expect(count()).toBeGreaterThan(7);
  expect(await faults()).toEqual([]);
}, 60_000);

it('a sweep finds the rows that have ended, and no others', async () => {
  const { observed, faults } = await openFull();
  const swept: number[] = [];
  for (const sweep of createSweeps(observed, clock)) swept.push(await sweep());
  expect(swept).toEqual(EXPIRING.map(() => ROWS / 100));
  expect(await faults()).toEqual([]);
}, 60_000);
