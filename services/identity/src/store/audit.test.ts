import { generatePrivateJwk, importSigningKey, importVerificationKey } from '@daybook/access';
import { type Database, newId } from '@daybook/database';
import type { KyselyPlugin } from 'kysely';
import { describe, expect, it } from 'vitest';
import { readPlace, signPlace } from '../keys/audit-seals.ts';
import { openStores } from '../testing.ts';
import { createAuditTrail } from './audit.ts';
import type { ChainPlace } from './audit-chain.ts';
import { createAuditRetention, renewCheckpoint } from './audit-retention.ts';
import { type SignedHead, verifyAuditChain } from './audit-verification.ts';
import type { IdentityTables } from './tables.ts';

const jwk = await generatePrivateJwk();
const [signing, verification] = [await importSigningKey(jwk), await importVerificationKey(jwk)];

const readCheckpoint = (signed: string) => readPlace('checkpoint', signed, [verification]);

async function openTrail(entries = 0) {
  const { database, clock, advance } = await openStores();
  const audit = createAuditTrail(database, clock);
  const append = async (count: number) => {
    for (let appended = 0; appended < count; appended += 1) {
      await audit.append({
        action: 'record-read',
        service: 'patient',
        operation: 'getPatient',
        actor: { id: newId(), role: 'front-desk' },
        patientIds: [newId(), newId()],
        detail: 'pwd',
      });
    }
  };
  await append(entries);
  return {
    database,
    clock,
    audit,
    append,
    advance,
    verify: (heads: readonly SignedHead[] = []) => verifyAuditChain(database, { heads, readCheckpoint }),
    /** Returns the head as it is signed and read again. */
    async signHead(): Promise<SignedHead> {
      const head = await database.read((db) => db.selectFrom('audit_head').selectAll().executeTakeFirstOrThrow());
      return readPlace('head', await signPlace('head', head, clock(), signing), [verification]);
    },
    retain: createAuditRetention({
      database,
      clock,
      days: 100,
      readCheckpoint,
      signCheckpoint: (place: ChainPlace) => signPlace('checkpoint', place, clock(), signing),
    }),
  };
}

/** Returns a trail of one entry a day, of which retention has removed the first. Each further day removes one more. */
async function openDailyTrail(days: number) {
  const trail = await openTrail();
  for (let day = 0; day < days; day += 1) {
    await trail.append(1);
    trail.advance({ days: 1 });
  }
  trail.advance({ hours: 24 * (100 - days) + 12 });
  expect(await trail.retain()).toBe(1);
  const removeNext = async () => {
    trail.advance({ days: 1 });
    return trail.retain();
  };
  return { ...trail, removeNext };
}

/** Returns the database, which runs `then` once, between the first read of entries and the read of their patients. */
function afterEntries(database: Database<IdentityTables>, then: () => Promise<unknown>): Database<IdentityTables> {
  let entries: object | undefined;
  let isDone = false;
  const plugin: KyselyPlugin = {
    transformQuery({ node, queryId }) {
      if (JSON.stringify(node).includes('"audit_entries"')) entries = queryId;
      return node;
    },
    async transformResult({ queryId, result }) {
      if (queryId === entries && !isDone) {
        isDone = true;
        await then();
      }
      return result;
    },
  };
  return {
    dialect: database.dialect,
    read: (query) => database.read((db) => query(db.withPlugin(plugin))),
    write: (work) => database.write(work),
    onEvents: (listener) => database.onEvents(listener),
    advisoryLock: (name) => database.advisoryLock(name),
    purgeDeleted: () => database.purgeDeleted(),
    check: () => database.check(),
    close: () => database.close(),
  };
}

const whole = (entries: number, more: object = {}) => ({ isWhole: true, entries, removed: 0, signedHeads: 0, ...more });

describe('the chain of the audit trail', () => {
  it('is whole with entries of all kinds, and without entries', async () => {
    const { audit, verify } = await openTrail();
    expect(await verify()).toEqual(whole(0));
    await audit.append({ action: 'sign-in-failed' });
    await audit.append({ action: 'patient-linked', actor: { id: newId(), role: 'patient' }, patientIds: [newId()] });
    await audit.append({ action: 'changed', actor: { id: 'import', role: 'service' }, operation: 'registerPatient' });
    expect(await verify()).toEqual(whole(3));
  });

  it('has no gap and no fork when many append simultaneously', async () => {
    const { audit, verify } = await openTrail();
    await Promise.all(Array.from({ length: 20 }, () => audit.append({ action: 'sign-in-failed', accountId: newId() })));
    expect(await verify()).toEqual(whole(20));
  });

  it('has no entry of a transaction that failed', async () => {
    const { audit, database, verify } = await openTrail(1);
    const failing = database.write(async (tx) => {
      await audit.appendIn(tx, { action: 'sign-in-failed' });
      throw new Error('undone');
    });
    await expect(failing).rejects.toThrow('undone');
    expect(await verify()).toEqual(whole(1));
  });

  it('chains a batch with more patients than one statement takes', async () => {
    const { audit, database, verify } = await openTrail();
    const patientIds = Array.from({ length: 700 }, () => newId());
    const entry = { action: 'record-read', operation: 'listAppointments', patientIds } as const;
    await database.write((tx) => audit.appendAllIn(tx, [entry, entry]));
    expect(await verify()).toEqual(whole(2));
    expect((await audit.search({ patientId: patientIds[699] ?? '' }, undefined)).items).toHaveLength(2);
  });

  it.each<[string, number, 'alter' | 'remove' | 'alter-last' | 'remove-last']>([
    ['an altered entry breaks the link of the next one', 4, 'alter'],
    ['a removed entry is missing', 3, 'remove'],
    ['an altered last entry differs from the head', 5, 'alter-last'],
    ['a removed last entry is missing', 5, 'remove-last'],
  ])('%s', async (_what, brokenAt, fault) => {
    const { database, verify } = await openTrail(5);
    const position = fault.endsWith('last') ? 5 : 3;
    await database.write(async (tx) => {
      if (fault.startsWith('alter')) {
        await tx.updateTable('audit_entries').set({ detail: 'otp' }).where('position', '=', position).execute();
      } else await tx.deleteFrom('audit_entries').where('position', '=', position).execute();
    });
    expect(await verify()).toMatchObject({ isWhole: false, brokenAt });
  });

  it.each(['removed', 'added', 'replaced'])(
    'a %s patient of an entry breaks the link of the next one',
    async (fault) => {
      const { database, verify } = await openTrail(5);
      const [patient] = await database.read((db) =>
        db.selectFrom('audit_patients').selectAll().where('position', '=', 2).limit(1).execute(),
      );
      const other = Buffer.alloc(16, 7);
      await database.write(async (tx) => {
        if (fault !== 'added') {
          await tx
            .deleteFrom('audit_patients')
            .where('position', '=', 2)
            .where('patient_id', '=', patient?.patient_id ?? other)
            .execute();
        }
        if (fault !== 'removed') {
          await tx.insertInto('audit_patients').values({ position: 2, patient_id: other }).execute();
        }
      });
      expect(await verify()).toMatchObject({ isWhole: false, brokenAt: 3 });
    },
  );
});

describe('a signed head', () => {
  it('is in the chain, however long that is by now', async () => {
    const { append, signHead, verify } = await openTrail(3);
    const heads = [await signHead()];
    expect(await verify(heads)).toEqual(whole(3, { signedHeads: 1 }));
    await append(2);
    expect(await verify([...heads, await signHead()])).toEqual(whole(5, { signedHeads: 2 }));
  });

  it('is later than a chain that was cut together with its head', async () => {
    const { database, signHead, append, verify } = await openTrail(2);
    const short = await signHead();
    await append(3);
    const long = await signHead();
    await database.write(async (tx) => {
      await tx.deleteFrom('audit_entries').where('position', '>', 2).execute();
      await tx.deleteFrom('audit_patients').where('position', '>', 2).execute();
      await tx.updateTable('audit_head').set({ position: 2, hash: short.hash }).execute();
    });
    expect(await verify([short])).toMatchObject({ isWhole: true });
    expect(await verify([short, long])).toEqual({
      isWhole: false,
      brokenAt: 3,
      reason: `the chain is cut: the head that was signed at ${long.at} is later`,
    });
  });

  it('differs from a chain that was made again', async () => {
    const { database, signHead, append, verify } = await openTrail(3);
    const head = await signHead();
    await database.write(async (tx) => {
      for (const table of ['audit_entries', 'audit_patients', 'audit_head'] as const)
        await tx.deleteFrom(table).execute();
    });
    await append(4);
    expect(await verify()).toMatchObject({ isWhole: true });
    expect(await verify([head])).toMatchObject({ isWhole: false, brokenAt: 3 });
  });

  it('counts once for its entry, and each other hash of that entry is reported', async () => {
    const { append, signHead, verify } = await openTrail(2);
    const head = await signHead();
    await append(1);
    expect(await verify([head, await signHead(), head])).toEqual(whole(3, { signedHeads: 2 }));
    const other = { ...head, hash: Buffer.alloc(32, 7) };
    expect(await verify([head, other])).toMatchObject({ isWhole: false, brokenAt: 2 });
    expect(await verify([other, head])).toMatchObject({ isWhole: false, brokenAt: 2 });
  });

  it('has the hash of the checkpoint when retention has removed its entry last', async () => {
    const { advance, append, retain, signHead, verify } = await openTrail(3);
    const head = await signHead();
    advance({ days: 200 });
    await append(1);
    expect(await retain()).toBe(3);
    expect(await verify([head])).toMatchObject({ isWhole: true });
    const reason = `the head that was signed at ${head.at} has another hash of this entry`;
    const other = { ...head, hash: Buffer.alloc(32, 7) };
    expect(await verify([other])).toEqual({ isWhole: false, brokenAt: 3, reason });
  });

  it('was not signed by another key, and is not a checkpoint', async () => {
    const head = { position: 1, hash: Buffer.alloc(32) };
    const at = Temporal.Now.instant();
    const other = await importSigningKey(await generatePrivateJwk());
    const read = async (text: string) => readPlace('head', text, [verification]);
    await expect(read(await signPlace('head', head, at, other))).rejects.toMatchObject({ fault: 'unknown-key' });
    await expect(read(await signPlace('checkpoint', head, at, signing))).rejects.toMatchObject({ fault: 'type' });
  });
});

describe('verification while retention removes entries', () => {
  it('finds the chain whole, however often the checkpoint moves', async () => {
    const { database, removeNext } = await openDailyTrail(12);
    let removed = 0;
    const report = await verifyAuditChain(database, {
      readCheckpoint: async (signed) => {
        removed += await removeNext();
        return readCheckpoint(signed);
      },
    });
    expect(report).toEqual(whole(1, { removed: 11 }));
    expect(removed).toBe(10);
  });

  it('finds the chain whole when an entry is removed between its read and that of its patients', async () => {
    const { database, removeNext } = await openDailyTrail(5);
    const interrupted = afterEntries(database, async () => expect(await removeNext()).toBe(1));
    expect(await verifyAuditChain(interrupted, { readCheckpoint })).toEqual(whole(3, { removed: 2 }));
  });

  it('reports a broken link, however often the checkpoint moves', async () => {
    const { database, removeNext } = await openDailyTrail(12);
    await database.write((tx) => tx.deleteFrom('audit_entries').where('position', '=', 11).execute());
    let removed = 0;
    const report = await verifyAuditChain(database, {
      readCheckpoint: async (signed) => {
        if (removed < 8) removed += await removeNext();
        return readCheckpoint(signed);
      },
    });
    expect(report).toEqual({ isWhole: false, brokenAt: 11, reason: 'the entry is missing' });
  });

  it('reports a checkpoint that an attacker moves meanwhile', async () => {
    const { database } = await openDailyTrail(5);
    let isMoved = false;
    const report = verifyAuditChain(database, {
      readCheckpoint: async (signed) => {
        if (!isMoved) {
          isMoved = true;
          await database.write(async (tx) => {
            await tx.updateTable('audit_checkpoint').set({ position: 3, signed: 'forged' }).execute();
            await tx.deleteFrom('audit_entries').where('position', '<=', 3).execute();
          });
        }
        return readCheckpoint(signed);
      },
    });
    expect(await report).toMatchObject({ isWhole: false, reason: expect.stringContaining('did not sign it') });
  });
});

describe('the head of the chain', () => {
  it.each([
    ['was removed', undefined, 1],
    ['is before the checkpoint', 1, 2],
    ['is before the last entry', 4, 5],
  ] as const)(
    'breaks the chain when it %s, because the next entry would fork it',
    async (_what, position, brokenAt) => {
      const { database, verify, removeNext } = await openDailyTrail(5);
      expect(await removeNext()).toBe(1);
      const entry = await database.read((db) =>
        db.selectFrom('audit_entries').selectAll().where('position', '=', 5).executeTakeFirstOrThrow(),
      );
      await database.write(async (tx) => {
        if (position === undefined) await tx.deleteFrom('audit_head').execute();
        else await tx.updateTable('audit_head').set({ position, hash: entry.previous_hash }).execute();
      });
      const reason = 'the head of the chain is before this entry';
      expect(await verify()).toEqual({ isWhole: false, brokenAt, reason });
    },
  );

  it('is not enough without the entry that retention keeps', async () => {
    const { database, verify } = await openDailyTrail(3);
    await database.write(async (tx) => {
      for (const table of ['audit_entries', 'audit_patients', 'audit_head'] as const)
        await tx.deleteFrom(table).execute();
    });
    expect(await verify()).toEqual({ isWhole: false, brokenAt: 2, reason: 'the entry is missing' });
  });
});

describe('renewing the checkpoint', () => {
  const sign = (place: ChainPlace) => signPlace('checkpoint', place, Temporal.Now.instant(), signing);

  it('signs the place that retention has reached meanwhile', async () => {
    const { database, verify, removeNext } = await openDailyTrail(5);
    const signedPlaces: number[] = [];
    const renewed = await renewCheckpoint(database, {
      readCheckpoint,
      signCheckpoint: async (place) => {
        if (signedPlaces.push(place.position) === 1) await removeNext();
        return sign(place);
      },
    });
    expect(renewed).toBe(2);
    expect(signedPlaces).toEqual([1, 2]);
    expect(await verify()).toEqual(whole(3, { removed: 2 }));
  });

  it('signs nothing where there is no checkpoint', async () => {
    const { database } = await openTrail(2);
    expect(await renewCheckpoint(database, { readCheckpoint, signCheckpoint: sign })).toBeUndefined();
    expect(await database.read((db) => db.selectFrom('audit_checkpoint').selectAll().execute())).toEqual([]);
  });
});

describe('retention', () => {
  it('removes old entries up to a signed checkpoint, from which the chain is whole', async () => {
    const { append, advance, retain, signHead, verify, database } = await openTrail(5);
    const old = await signHead();
    advance({ days: 90 });
    await append(3);
    const recent = await signHead();
    expect(await retain()).toBe(0);
    advance({ days: 20 });
    expect(await retain()).toBe(5);
    expect(await retain()).toBe(0);
    expect(await verify([old, recent])).toEqual(whole(3, { removed: 5, signedHeads: 1 }));
    const left = await database.read((db) => db.selectFrom('audit_patients').select('position').distinct().execute());
    expect(left.map(({ position }) => position)).toEqual([6, 7, 8]);
    advance({ days: 200 });
    await append(1);
    expect(await retain()).toBe(3);
    expect(await verify([old, recent, await signHead()])).toEqual(whole(1, { removed: 8, signedHeads: 1 }));
  });

  it('of simultaneous verification never makes a whole chain look broken', async () => {
    const { append, advance, database, retain } = await openTrail(3);
    advance({ days: 90 });
    await append(3);
    advance({ days: 20 });
    expect(await retain()).toBe(3);
    advance({ days: 100 });
    await append(1);
    // Retention removes more between the read of the checkpoint and the read of the entries.
    let removed: number | undefined;
    const readCheckpoint = async (signed: string) => {
      removed ??= await retain();
      return readPlace('checkpoint', signed, [verification]);
    };
    expect(await verifyAuditChain(database, { readCheckpoint })).toEqual(whole(1, { removed: 6 }));
    expect(removed).toBe(3);
  });

  it('does not hide a link that is broken behind the checkpoint that it moves', async () => {
    const { append, advance, database, retain } = await openTrail(3);
    advance({ days: 90 });
    await append(3);
    advance({ days: 20 });
    expect(await retain()).toBe(3);
    advance({ days: 100 });
    await append(3);
    await database.write((tx) => tx.deleteFrom('audit_entries').where('position', '=', 8).execute());
    let removed: number | undefined;
    const readCheckpoint = async (signed: string) => {
      removed ??= await retain();
      return readPlace('checkpoint', signed, [verification]);
    };
    expect(await verifyAuditChain(database, { readCheckpoint })).toMatchObject({ isWhole: false, brokenAt: 8 });
    expect(removed).toBe(3);
  });

  it('keeps the last entry, however old it is', async () => {
    const { advance, retain, verify } = await openTrail(3);
    advance({ days: 200 });
    expect(await retain()).toBe(2);
    expect(await retain()).toBe(0);
    expect(await verify()).toEqual(whole(1, { removed: 2 }));
  });

  it('removes nothing from a chain that was changed', async () => {
    const { advance, database, retain, verify } = await openTrail(3);
    await database.write((tx) =>
      tx.updateTable('audit_entries').set({ detail: 'otp' }).where('position', '=', 2).execute(),
    );
    advance({ days: 200 });
    await expect(retain()).rejects.toThrow('the entry does not carry the hash of entry 2');
    expect(await verify()).toMatchObject({ isWhole: false, brokenAt: 3 });
  });

  it('signs no checkpoint after entries that others removed', async () => {
    const { advance, database, retain } = await openTrail(4);
    advance({ days: 200 });
    await database.write(async (tx) => {
      await tx.deleteFrom('audit_patients').where('position', '<=', 2).execute();
      await tx.deleteFrom('audit_entries').where('position', '<=', 2).execute();
    });
    await expect(retain()).rejects.toThrow('the entry is missing');
    await database.write((tx) =>
      tx.insertInto('audit_checkpoint').values({ id: 1, position: 2, signed: 'forged' }).execute(),
    );
    await expect(retain()).rejects.toThrow('identity did not sign it');
  });

  it('removes nothing after a checkpoint whose position others changed', async () => {
    const { database, removeNext, verify } = await openDailyTrail(5);
    await database.write((tx) => tx.updateTable('audit_checkpoint').set({ position: 1_000 }).execute());
    const reason = 'the checkpoint has another position than its signature';
    await expect(removeNext()).rejects.toThrow(reason);
    expect(await verify()).toMatchObject({ isWhole: false, reason });
    await database.write((tx) => tx.updateTable('audit_checkpoint').set({ position: 1 }).execute());
    expect(await verify()).toEqual(whole(4, { removed: 1 }));
  });

  it('of two processes removes each entry once, and reports no broken link', async () => {
    const { advance, clock, database, retain, verify } = await openDailyTrail(5);
    advance({ days: 1 });
    const other = createAuditRetention({
      database: afterEntries(database, async () => expect(await retain()).toBe(1)),
      clock,
      days: 100,
      signCheckpoint: (place) => signPlace('checkpoint', place, clock(), signing),
      readCheckpoint,
    });
    expect(await other()).toBe(0);
    expect(await verify()).toEqual(whole(3, { removed: 2 }));
  });

  it('removes nothing after the clock jumped back, and goes on when it is right again', async () => {
    const { advance, removeNext, retain, verify } = await openDailyTrail(5);
    advance({ days: -300 });
    expect(await retain()).toBe(0);
    expect(await verify()).toEqual(whole(4, { removed: 1 }));
    advance({ days: 300 });
    expect(await removeNext()).toBe(1);
    expect(await verify()).toEqual(whole(3, { removed: 2 }));
  });

  it('does not hide entries that others removed, with a signed head as a checkpoint', async () => {
    const { database, signHead, append, verify } = await openTrail(2);
    const head = await signHead();
    await append(2);
    const signed = await signPlace('head', head, Temporal.Now.instant(), signing);
    await database.write(async (tx) => {
      await tx.insertInto('audit_checkpoint').values({ id: 1, position: 2, signed }).execute();
      await tx.deleteFrom('audit_patients').where('position', '<=', 2).execute();
      await tx.deleteFrom('audit_entries').where('position', '<=', 2).execute();
    });
    expect(await verify()).toMatchObject({ isWhole: false, brokenAt: 1 });
  });
});
