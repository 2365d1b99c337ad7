import { setTimeout as sleep } from 'node:timers/promises';
import { Refusal, type Role, STAFF } from '@daybook/contracts';
import {
  asSharedDatabase,
  asSharedTransaction,
  type Database,
  DatabaseUnavailable,
  openDatabase,
  type WriteContext,
} from '@daybook/database';
import { databaseKind } from '@daybook/testing/databases';
import { openFaultProxyTo } from '@daybook/testing/fault-proxy';
import { Type } from 'typebox';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bareApp, type TestFolder, type ThingTables, temporaryFolder, thingMigrations, thingsOf } from '../testing.ts';
import { replyIdempotently } from './idempotency.ts';

interface Thing {
  name: string;
}
type Hook = (thing: Thing) => void | Promise<void>;

const Body = Type.Object({ name: Type.String() });

/** A service that stores things with unique names. `before` runs before each write. */
async function thingService(folder: TestFolder, before: Hook = () => undefined) {
  const database: Database<ThingTables> = await folder.open();
  const { app, lines } = await bareApp();
  let actions = 0;
  let role: Role = 'front-desk';
  const callerRole = () => role;
  const become = (other: Role) => {
    role = other;
  };
  const add = async (thing: Thing, write: WriteContext<Thing>): Promise<Thing> => {
    actions += 1;
    await before(thing);
    await database.write(async (transaction) => {
      write.checkVersion(3);
      const same = await transaction.selectFrom('things').select('name').where('name', '=', thing.name).execute();
      if (same.length > 0) throw new Refusal('name-taken', 'That name is taken.');
      await transaction
        .insertInto('things')
        .values(thing)
        .execute()
        .catch((error) => {
          throw database.dialect.isUniqueViolation(error) ? new Refusal('name-taken', 'That name is taken.') : error;
        });
      await write.storeResponse(asSharedTransaction(transaction), thing);
    });
    return thing;
  };
  const shape = { status: 201, headers: ({ name }: Thing) => ({ location: `/things/${name}`, etag: '"1"' }) };
  for (const path of ['/things', '/other-things']) {
    app.post(
      path,
      { schema: { body: Body, response: { 201: Body } }, config: { roles: () => STAFF } },
      async (request, reply) => {
        const from = request.headers['x-caller'];
        if (typeof from === 'string') request.caller = { id: from, role: callerRole(), patientIds: [] };
        await replyIdempotently(request, reply, asSharedDatabase(database), shape, (write) => add(request.body, write));
        return reply;
      },
    );
  }
  const post = (key: string | undefined, name: string, { path = '/things', caller = 'ana', ifMatch = '*' } = {}) =>
    app.inject({
      method: 'POST',
      url: path,
      headers: { 'x-caller': caller, 'if-match': ifMatch, ...(key !== undefined && { 'idempotency-key': key }) },
      payload: { name },
    });
  return { database, post, lines, actions: () => actions, become };
}

describe('a POST with an Idempotency-Key', () => {
  it('replays the first response to the same key and body', async () => {
    await using folder = await temporaryFolder();
    const { post, database, actions } = await thingService(folder);
    const first = await post('k1', 'cup');
    const again = await post('k1', 'cup');
    expect(first.statusCode).toBe(201);
    expect(first.headers['idempotency-replayed']).toBeUndefined();
    expect(again.statusCode).toBe(201);
    expect(again.body).toBe(first.body);
    for (const header of ['location', 'etag', 'content-type'])
      expect(again.headers[header]).toBe(first.headers[header]);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(again.headers['x-request-id']).not.toBe(first.headers['x-request-id']);
    expect(await thingsOf(database)).toEqual(['cup']);
    expect(actions()).toBe(1);
  });

  it('gives it to no caller whose role does not allow the operation any more', async () => {
    await using folder = await temporaryFolder();
    const { post, actions, become } = await thingService(folder);
    const first = await post('k1', 'cup');
    become('patient');
    const again = await post('k1', 'cup');
    expect(again.statusCode).toBe(403);
    expect(again.json()).toMatchObject({ code: 'forbidden' });
    expect(again.headers['idempotency-replayed']).toBeUndefined();
    become('front-desk');
    expect((await post('k1', 'cup')).body).toBe(first.body);
    expect(actions()).toBe(1);
  });

  it('gives it again after a restart', async () => {
    await using folder = await temporaryFolder();
    const first = await (await thingService(folder)).post('k1', 'cup');
    const again = await (await thingService(folder)).post('k1', 'cup');
    expect(again.body).toBe(first.body);
    expect(again.headers['idempotency-replayed']).toBe('true');
  });

  it('refuses the same key with another body or at another address with 422, and does nothing', async () => {
    await using folder = await temporaryFolder();
    const { post, database } = await thingService(folder);
    await post('k1', 'cup');
    for (const response of [await post('k1', 'plate'), await post('k1', 'cup', { path: '/other-things' })]) {
      expect(response.statusCode).toBe(422);
      expect(response.json()).toMatchObject({ code: 'idempotency-key-reused' });
      expect(response.headers['idempotency-replayed']).toBeUndefined();
    }
    expect(await thingsOf(database)).toEqual(['cup']);
    expect((await post('k1', 'cup')).statusCode).toBe(201);
  });

  it('keeps the keys of one caller apart from those of another', async () => {
    await using folder = await temporaryFolder();
    const { post, database } = await thingService(folder);
    expect((await post('k1', 'cup', { caller: 'ana' })).statusCode).toBe(201);
    expect((await post('k1', 'plate', { caller: 'noor' })).statusCode).toBe(201);
    expect(await thingsOf(database)).toEqual(['cup', 'plate']);
  });

  it('keeps them apart while both requests run, too', async () => {
    await using folder = await temporaryFolder();
    const both = Promise.withResolvers<void>();
    let arrived = 0;
    const { post } = await thingService(folder, () => {
      arrived += 1;
      if (arrived === 2) both.resolve();
      return both.promise;
    });
    const responses = await Promise.all([
      post('k1', 'cup', { caller: 'ana' }),
      post('k1', 'plate', { caller: 'noor' }),
    ]);
    expect(responses.map(({ statusCode }) => statusCode)).toEqual([201, 201]);
  });

  it('has one effect when it comes many times at once: one response, and 409 for those that come too early', async () => {
    await using folder = await temporaryFolder();
    const { post, database, actions } = await thingService(folder, () => sleep(5));
    const responses = await Promise.all(Array.from({ length: 10 }, () => post('k1', 'cup')));
    const first = responses.filter(({ statusCode }) => statusCode === 201);
    const early = responses.filter(({ statusCode }) => statusCode === 409);
    expect(first.length).toBeGreaterThan(0);
    expect(first.length + early.length).toBe(10);
    for (const response of early) {
      expect(response.json()).toMatchObject({ code: 'idempotency-key-in-use' });
      expect(response.headers['retry-after']).toBe('1');
    }
    expect(await thingsOf(database)).toEqual(['cup']);
    expect(actions()).toBe(1);
    expect((await post('k1', 'cup')).headers['idempotency-replayed']).toBe('true');
  });

  it('has one effect and one response when it comes to two instances at once', async () => {
    await using folder = await temporaryFolder();
    const both = Promise.withResolvers<void>();
    let arrived = 0;
    const meet = () => {
      arrived += 1;
      if (arrived === 2) both.resolve();
      return both.promise;
    };
    const [one, other] = [await thingService(folder, meet), await thingService(folder, meet)];
    const responses = await Promise.all([one.post('k1', 'cup'), other.post('k1', 'cup')]);
    expect(responses.map(({ statusCode }) => statusCode)).toEqual([201, 201]);
    expect(responses[0]?.body).toBe(responses[1]?.body);
    expect(responses.filter(({ headers }) => headers['idempotency-replayed'] === 'true')).toHaveLength(1);
    expect(await thingsOf(one.database)).toEqual(['cup']);
  });

  it('refuses the second of two different requests with one key at two instances at once', async () => {
    await using folder = await temporaryFolder();
    const both = Promise.withResolvers<void>();
    let arrived = 0;
    const meet = () => {
      arrived += 1;
      if (arrived === 2) both.resolve();
      return both.promise;
    };
    const [one, other] = [await thingService(folder, meet), await thingService(folder, meet)];
    const responses = await Promise.all([one.post('k1', 'cup'), other.post('k1', 'plate')]);
    expect(responses.map(({ statusCode }) => statusCode).toSorted()).toEqual([201, 422]);
    expect(await thingsOf(one.database)).toHaveLength(1);
  });

  it('replays a refusal, also when it would not be one any more', async () => {
    await using folder = await temporaryFolder();
    const { post, database } = await thingService(folder);
    await post('k1', 'cup');
    const refused = await post('k2', 'cup');
    expect(refused.statusCode).toBe(409);
    await database.write((transaction) => transaction.deleteFrom('things').execute());
    const again = await post('k2', 'cup');
    expect(again.statusCode).toBe(409);
    expect(again.body).toBe(refused.body);
    expect(again.headers['content-type']).toBe(refused.headers['content-type']);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect((await post('k3', 'cup')).statusCode).toBe(201);
  });

  it('does not store that a service was away or failed: the same key works later', async () => {
    await using folder = await temporaryFolder();
    const failures = [
      new DatabaseUnavailable(new Error('busy')),
      new Refusal('service-unavailable', 'Later.'),
      new Error('oh'),
    ];
    const { post, database } = await thingService(folder, () => {
      const failure = failures.shift();
      if (failure) throw failure;
    });
    const statuses: number[] = [];
    for (let attempt = 1; attempt <= 4; attempt += 1) statuses.push((await post('k1', 'cup')).statusCode);
    expect(statuses).toEqual([503, 503, 500, 201]);
    expect(await thingsOf(database)).toEqual(['cup']);
  });

  it('does not store that the request was malformed', async () => {
    await using folder = await temporaryFolder();
    const failures = [
      new Refusal('invalid-request', 'No.'),
      new Refusal('forbidden', 'No.'),
      new Refusal('not-found', 'No.'),
    ];
    const { post } = await thingService(folder, () => {
      const failure = failures.shift();
      if (failure) throw failure;
    });
    const statuses: number[] = [];
    for (let attempt = 1; attempt <= 4; attempt += 1) statuses.push((await post('k1', 'cup')).statusCode);
    expect(statuses).toEqual([400, 403, 404, 201]);
  });

  it.each(['', ' ', 'x'.repeat(256), 'a b', 'ключ', 'a\tb'])(
    'refuses the key %j with 400 and does nothing',
    async (key) => {
      await using folder = await temporaryFolder();
      const { post, database } = await thingService(folder);
      const response = await post(key, 'cup');
      expect(response.statusCode).toBe(400);
      expect(response.json()).toMatchObject({ code: 'invalid-request', errors: [{ pointer: '/idempotency-key' }] });
      expect(await thingsOf(database)).toEqual([]);
    },
  );

  it.each(['a', '!', '~', 'x'.repeat(255), '"quoted"', '8e03978e-40d5-43dd-bc93-6894a57f9324'])(
    'takes the key %j',
    async (key) => {
      await using folder = await temporaryFolder();
      const { post } = await thingService(folder);
      await post(key, 'cup');
      expect((await post(key, 'cup')).headers['idempotency-replayed']).toBe('true');
    },
  );

  it('gives its retry the response of the first, not what stands in the way because of it', async () => {
    await using folder = await temporaryFolder();
    const arrived = Promise.withResolvers<void>();
    const finished = Promise.withResolvers<void>();
    const slow = await thingService(folder, () => {
      arrived.resolve();
      return finished.promise;
    });
    const quick = await thingService(folder);
    // The retry reaches another instance while the first request is still running there, before it looks up the name.
    const retry = slow.post('k1', 'cup');
    await arrived.promise;
    const first = await quick.post('k1', 'cup');
    finished.resolve();
    expect(first.statusCode).toBe(201);
    expect((await retry).statusCode).toBe(201);
    expect((await retry).body).toBe(first.body);
    expect((await retry).headers['idempotency-replayed']).toBe('true');
  });

  it('gives its retry the response of the first, not that it has only the version before', async () => {
    await using folder = await temporaryFolder();
    const arrived = Promise.withResolvers<void>();
    const finished = Promise.withResolvers<void>();
    const slow = await thingService(folder, async () => {
      arrived.resolve();
      await finished.promise;
      throw new Refusal('precondition-failed', 'It has changed since you read it.');
    });
    const quick = await thingService(folder);
    const retry = slow.post('k1', 'cup');
    await arrived.promise;
    const first = await quick.post('k1', 'cup');
    finished.resolve();
    expect(first.statusCode).toBe(201);
    expect((await retry).statusCode).toBe(201);
    expect((await retry).body).toBe(first.body);
  });
});

describe('a POST with If-Match', () => {
  it.each([undefined, 'k1'])(
    'is refused with 412 while it is stale, and works when it is not (key %s)',
    async (key) => {
      await using folder = await temporaryFolder();
      const { post, database } = await thingService(folder);
      const stale = await post(key, 'cup', { ifMatch: '"2"' });
      expect(stale.statusCode).toBe(412);
      expect(await thingsOf(database)).toEqual([]);
      expect((await post(key, 'cup', { ifMatch: '"3"' })).statusCode).toBe(201);
    },
  );
});

describe('a POST without an Idempotency-Key', () => {
  it('is done each time', async () => {
    await using folder = await temporaryFolder();
    const { post, database, actions } = await thingService(folder);
    const first = await post(undefined, 'cup');
    expect(first.statusCode).toBe(201);
    expect(first.headers).toMatchObject({ location: '/things/cup', etag: '"1"' });
    expect((await post(undefined, 'plate')).statusCode).toBe(201);
    expect((await post(undefined, 'cup')).statusCode).toBe(409);
    expect(actions()).toBe(3);
    expect(await thingsOf(database)).toEqual(['cup', 'plate']);
  });
});

describe.runIf(databaseKind !== 'sqlite')('a POST with a lost response to its COMMIT', () => {
  /** Opens the service behind a network that loses the next response to a COMMIT. */
  async function serviceBehind(folder: TestFolder) {
    const network = await openFaultProxyTo(folder.url);
    const database = await openDatabase<ThingTables>(network.through(folder.url), thingMigrations);
    onTestFinished(async () => {
      await database.close();
      await network.close();
    });
    network.loseWhere((bytes) =>
      network.lost === 0 && bytes.length < 20 && bytes.toString('latin1').endsWith('commit') ? 'response' : undefined,
    );
    return { ...(await thingService({ ...folder, open: async () => database })), network };
  }

  it('returns its stored response, where it has an Idempotency-Key', async () => {
    await using folder = await temporaryFolder();
    const { post, database, network, actions } = await serviceBehind(folder);
    const response = await post('k1', 'cup');
    expect([network.lost, response.statusCode, response.json(), actions()]).toEqual([1, 201, { name: 'cup' }, 1]);
    expect((await post('k1', 'cup')).statusCode).toBe(201);
    expect(await thingsOf(database)).toEqual(['cup']);
    expect(actions()).toBe(1);
  });

  it('is not reported as failed, where it has none', async () => {
    await using folder = await temporaryFolder();
    const { post, database, network } = await serviceBehind(folder);
    const response = await post(undefined, 'cup');
    expect([network.lost, response.statusCode, response.headers['retry-after']]).toEqual([1, 503, '1']);
    expect(response.json()).toMatchObject({
      code: 'service-unavailable',
      detail: expect.stringContaining('may have been done'),
    });
    expect(await thingsOf(database)).toEqual(['cup']);
  });
});
