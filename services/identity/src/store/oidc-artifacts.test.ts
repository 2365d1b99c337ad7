import { expect, it } from 'vitest';
import { openStores } from '../testing.ts';
import { createArtifactStore } from './oidc-artifacts.ts';
import { createSweeps } from './sweeps.ts';

async function openArtifacts() {
  const { database, clock, advance } = await openStores();
  return { database, advance, store: createArtifactStore(database, clock), sweeps: createSweeps(database, clock) };
}

it('an artifact comes back as it was, and its id is not in the table', async () => {
  const { store, database } = await openArtifacts();
  const payload = { jti: 'secret-code', grantId: 'grant', scope: 'openid', exp: 5 };
  expect(await store.upsert('AuthorizationCode', 'secret-code', payload, 60)).toBe('stored');
  expect(await store.find('AuthorizationCode', 'secret-code')).toEqual(payload);
  expect(await store.find('RefreshToken', 'secret-code')).toBeUndefined();
  const rows = await database.read((db) => db.selectFrom('oidc_artifacts').selectAll().execute());
  expect(JSON.stringify(rows)).not.toContain('secret-code');
});

it('an artifact is consumed by one of many simultaneous uses', async () => {
  const { store } = await openArtifacts();
  await store.upsert('AuthorizationCode', 'code', { jti: 'code' }, 60);
  const uses = await Promise.all(Array.from({ length: 8 }, () => store.consume('AuthorizationCode', 'code')));
  expect(uses.filter(Boolean)).toHaveLength(1);
  expect(await store.find('AuthorizationCode', 'code')).toMatchObject({ consumed: expect.any(Number) });
});

it('an id of an assertion is stored once, also when it comes simultaneously', async () => {
  const { store } = await openArtifacts();
  const results = await Promise.all(
    Array.from({ length: 6 }, () => store.upsert('ReplayDetection', 'assertion', { jti: 'assertion' }, 60)),
  );
  expect(results.filter((result) => result === 'stored')).toHaveLength(1);
});

it('a session of oidc-provider is found by its uid, also after it got a new id', async () => {
  const { store } = await openArtifacts();
  await store.upsert('Session', 'one', { jti: 'one', uid: 'uid' }, 60);
  await store.upsert('Session', 'two', { jti: 'two', uid: 'uid' }, 60);
  expect(await store.findByUid('Session', 'uid')).toEqual({ uid: 'uid' });
  expect([await store.find('Session', 'one'), await store.find('Session', 'two')]).toEqual([
    undefined,
    { jti: 'two', uid: 'uid' },
  ]);
});

it('simultaneous writes of one artifact leave one of them', async () => {
  const { store, database } = await openArtifacts();
  const writes = Array.from({ length: 6 }, (_, n) => store.upsert('Session', `id${n}`, { uid: 'uid' }, 60));
  await Promise.all(writes);
  expect(await database.read((db) => db.selectFrom('oidc_artifacts').select('model').execute())).toHaveLength(1);
});

it('revoking a grant removes the tokens of that grant', async () => {
  const { store } = await openArtifacts();
  await store.upsert('RefreshToken', 'a', { grantId: 'one' }, 60);
  await store.upsert('RefreshToken', 'b', { grantId: 'two' }, 60);
  await store.revokeByGrantId('RefreshToken', 'one');
  expect([await store.find('RefreshToken', 'a'), await store.find('RefreshToken', 'b')]).toEqual([
    undefined,
    { jti: 'b', grantId: 'two' },
  ]);
});

it('expired rows are swept in steps, and others stay', async () => {
  const { store, sweeps, advance, database } = await openArtifacts();
  for (let n = 0; n < 120; n += 1) await store.upsert('Interaction', `old${n}`, {}, 60);
  await store.upsert('Grant', 'new', {}, 3_600);
  advance({ minutes: 1 });
  for (const sweep of sweeps) while ((await sweep()) > 0);
  const rows = await database.read((db) => db.selectFrom('oidc_artifacts').select('model').execute());
  expect(rows).toEqual([{ model: 'Grant' }]);
});
