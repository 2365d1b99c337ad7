import { generatePrivateJwk, importSigningKey, importVerificationKey } from '@daybook/access';
import { newId } from '@daybook/database';
import { describe, expect, it } from 'vitest';
import { readPlace, signPlace } from '../keys/audit-seals.ts';
import { openStores } from '../testing.ts';
import { createAuditTrail } from './audit.ts';
import type { ChainPlace } from './audit-chain.ts';
import { createAuditRetention } from './audit-retention.ts';
import { type SignedHead, verifyAuditChain } from './audit-verification.ts';

const jwk = await generatePrivateJwk();
const [signing, verification] = [await importSigningKey(jwk), await importVerificationKey(jwk)];

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
    audit,
    append,
    advance,
    verify: (heads: readonly SignedHead[] = []) =>
      verifyAuditChain(database, {
        heads,
        readCheckpoint: (signed) => readPlace('checkpoint', signed, [verification]),
      }),
    /** Returns the head as it is signed and read again. */
    async signHead(): Promise<SignedHead> {
      const head = await database.read((db) => db.selectFrom('audit_head').selectAll().executeTakeFirstOrThrow());
      return readPlace('head', await signPlace('head', head, clock(), signing), [verification]);
    },
    retain: createAuditRetention({
      database,
      clock,
      days: 100,
      readCheckpoint: (signed) => readPlace('checkpoint', signed, [verification]),
      signCheckpoint: (place: ChainPlace) => signPlace('checkpoint', place, clock(), signing),
    }),
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

  it('was not signed by another key, and is not a checkpoint', async () => {
    const head = { position: 1, hash: Buffer.alloc(32) };
    const at = Temporal.Now.instant();
    const other = await importSigningKey(await generatePrivateJwk());
    const read = async (text: string) => readPlace('head', text, [verification]);
    await expect(read(await signPlace('head', head, at, other))).rejects.toMatchObject({ fault: 'unknown-key' });
    await expect(read(await signPlace('checkpoint', head, at, signing))).rejects.toMatchObject({ fault: 'type' });
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
