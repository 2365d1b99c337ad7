import type { AuditEventData, CloudEvent } from '@daybook/contracts';
import { newId } from '@daybook/database';
import { createLogger } from '@daybook/service';
import { describe, expect, it } from 'vitest';
import { createAuditTrail } from '../store/audit.ts';
import { verifyAuditChain } from '../store/audit-verification.ts';
import { openStores } from '../testing.ts';
import { auditConsumer } from './consumers.ts';

const [desk, patientId, other] = [newId(), newId(), newId()];

const auditEvent = (data: Partial<AuditEventData> = {}, source = '/services/patient'): CloudEvent => ({
  specversion: '1.0',
  id: newId(),
  source,
  type: 'daybook.audit.recorded.v1',
  subject: newId(),
  time: '2026-03-02T09:00:00.000Z',
  datacontenttype: 'application/json',
  sequence: 1,
  data: {
    action: 'record-read',
    operation: 'findPatients',
    callerId: desk,
    callerRole: 'front-desk',
    patientIds: [patientId, other],
    ...data,
  },
});

async function start() {
  const { database, clock, accounts } = await openStores();
  const audit = createAuditTrail(database, clock);
  const consumer = auditConsumer(database, clock, createLogger({ level: 'silent' }));
  return { database, accounts, audit, consumer, verify: () => verifyAuditChain(database) };
}

describe('a call of another service', () => {
  it('is an entry of the chain, found by each of its patients and by its account', async () => {
    const { audit, consumer, verify } = await start();
    await consumer.handle(auditEvent());
    const entry = {
      position: 1,
      at: '2026-03-02T09:00:00.000Z',
      action: 'record-read',
      service: 'patient',
      operation: 'findPatients',
      actorId: desk,
      actorRole: 'front-desk',
      patientIds: [patientId, other].sort(),
    };
    for (const query of [{ patientId }, { patientId: other }, { actorId: desk }, {}]) {
      expect((await audit.search(query, undefined)).items).toEqual([entry]);
    }
    expect((await audit.search({ patientId: newId() }, undefined)).items).toEqual([]);
    expect(await verify()).toMatchObject({ isWhole: true, entries: 1 });
  });

  it('of a program has the name of the program instead of an account', async () => {
    const { audit, consumer } = await start();
    await consumer.handle(auditEvent({ action: 'changed', callerId: 'import', callerRole: 'service' }));
    const [entry] = (await audit.search({}, undefined)).items;
    expect(entry).toMatchObject({ program: 'import', actorRole: 'service' });
    expect(entry).not.toHaveProperty('actorId');
  });

  it('is chained once when it comes again', async () => {
    const { consumer, verify } = await start();
    const event = auditEvent();
    for (const _ of [1, 2, 3]) await consumer.handle(event);
    await Promise.all([consumer.handle(event), consumer.handle(auditEvent())]);
    expect(await verify()).toMatchObject({ isWhole: true, entries: 2 });
  });

  it('has its place in the chain when many arrive simultaneously', async () => {
    const { consumer, audit, verify } = await start();
    await Promise.all([
      ...Array.from({ length: 100 }, () => consumer.handle(auditEvent())),
      ...Array.from({ length: 10 }, () => audit.append({ action: 'sign-in-failed' })),
    ]);
    expect(await verify()).toMatchObject({ isWhole: true, entries: 110 });
  });

  it('is shown to its patient without the ids of staff and of other patients, page by page', async () => {
    const { accounts, audit, consumer } = await start();
    const account = await accounts.create({
      role: 'patient',
      status: 'active',
      email: 'ana@example.org',
      displayName: 'Ana Silva',
      locale: 'en',
    });
    await accounts.linkPatient(account.id, { patientId, relation: 'self' });
    for (const operation of ['getPatient', 'findPatients', 'getPatient'])
      await consumer.handle(auditEvent({ operation }));
    const first = await audit.search({ patientId, limit: 2 }, account.id);
    expect(first.items.map(({ operation }) => operation)).toEqual(['getPatient', 'findPatients']);
    for (const entry of first.items) {
      expect(entry).toMatchObject({ actorRole: 'front-desk', patientIds: [patientId] });
      expect(entry).not.toHaveProperty('actorId');
    }
    const second = await audit.search({ patientId, limit: 2, cursor: first.nextCursor ?? '' }, account.id);
    expect(second.items.map(({ position }) => position)).toEqual([1]);
    expect((await audit.search({ patientId: other }, account.id)).items).toEqual([]);
  });
});
