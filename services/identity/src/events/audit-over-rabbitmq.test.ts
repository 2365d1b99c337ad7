/** Calls travel from the outbox of a service over RabbitMQ into the chain, with the accounts of both services. */
import { randomUUID } from 'node:crypto';
import { asSharedDatabase, newId, openDatabase } from '@daybook/database';
import { startRelay } from '@daybook/messaging';
import { createRabbitBus, type RabbitBus, rightsOf } from '@daybook/messaging/rabbitmq';
import { createLogger, createOutboxAuditor, systemClock } from '@daybook/service';
import { canMakeAccounts, makeAccount } from '@daybook/testing/broker-accounts';
import { removeFromBroker, testBrokers } from '@daybook/testing/brokers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { migrations } from '../../migrations/index.ts';
import { createAuditTrail } from '../store/audit.ts';
import { verifyAuditChain } from '../store/audit-verification.ts';
import type { IdentityTables } from '../store/tables.ts';
import { openStores } from '../testing.ts';
import { auditConsumer } from './consumers.ts';

/** The broker of this machine, on which `rabbitmqctl` works. */
const [broker] = await testBrokers();
const logger = createLogger({ level: 'silent' });
const DEADLINE = { timeout: 30_000 };
/** `rabbitmqctl` takes seconds on a busy machine, and is called for each account. */
const TEST_MILLIS = 120_000;
const CONSUMERS = new Map([['identity.audit', ['daybook.audit.recorded.v1'] as const]]);

/** Makes the buses of two services, each with an account of its own. */
async function startBuses() {
  const url = broker?.url ?? '';
  const namespace = `test-${randomUUID()}`;
  const names = {
    events: `${namespace}.events`,
    deadLetters: `${namespace}.dead-letters`,
    unreadable: `${namespace}.unreadable`,
    queueOf: (consumer: string) => `${namespace}.${consumer}`,
    deadLetterQueueOf: (consumer: string) => `${namespace}.${consumer}.dead`,
  };
  onTestFinished(() =>
    removeFromBroker(url, {
      queues: [names.unreadable, names.queueOf('identity.audit'), names.deadLetterQueueOf('identity.audit')],
      exchanges: [names.events, names.deadLetters],
    }),
  );
  async function busOf(service: string): Promise<RabbitBus> {
    const account = await makeAccount(url, rightsOf(service, names));
    onTestFinished(() => account[Symbol.asyncDispose]());
    const bus = createRabbitBus({ url: account.url, name: service, service, namespace, logger, consumers: CONSUMERS });
    onTestFinished(() => bus.close());
    return bus;
  }
  return { patient: await busOf('patient'), identity: await busOf('identity') };
}

describe.skipIf(!broker || !(await canMakeAccounts()))('the audit trail over RabbitMQ', () => {
  it(
    'has each call once, also when the consumer ends in between',
    async () => {
      const { patient, identity } = await startBuses();
      const { database, clock } = await openStores();
      const ofPatient = await openDatabase<IdentityTables>('sqlite::memory:', migrations);
      onTestFinished(() => ofPatient.close());
      const relay = startRelay(asSharedDatabase(ofPatient), patient, logger);
      onTestFinished(() => relay.close());
      const auditor = createOutboxAuditor(ofPatient, '/services/patient', systemClock);
      const callers = Array.from({ length: 300 }, () => newId());
      const record = (id: string) =>
        auditor.record({
          action: 'record-read',
          operation: 'getPatient',
          caller: { id, role: 'front-desk' },
          patientIds: [id],
        });
      const entries = async () => {
        const report = await verifyAuditChain(database);
        return report.isWhole ? report.entries : report.reason;
      };

      const consumer = auditConsumer(database, clock, logger);
      let subscription = await identity.subscribe(consumer);
      await Promise.all(callers.slice(0, 100).map(record));
      await expect.poll(entries, DEADLINE).toBeGreaterThan(0);
      await subscription.close();
      await Promise.all(callers.slice(100, 200).map(record));
      subscription = await identity.subscribe(consumer);
      await Promise.all(callers.slice(200).map(record));
      await expect.poll(entries, DEADLINE).toBe(callers.length);
      await subscription.close();

      const audit = createAuditTrail(database, clock);
      for (const patientId of callers.slice(0, 3)) {
        expect((await audit.search({ patientId }, undefined)).items).toMatchObject([{ actorId: patientId }]);
      }
      expect(await ofPatient.read((db) => db.selectFrom('outbox').select('position').execute())).toEqual([]);
    },
    TEST_MILLIS,
  );
});
