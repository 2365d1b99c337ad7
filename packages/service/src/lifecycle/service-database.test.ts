import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { appendEvent, asSharedTransaction, type Database, DatabaseUnavailable, newId } from '@daybook/database';
import { createInProcessBus } from '@daybook/messaging';
import { databaseKind } from '@daybook/testing/databases';
import { openFaultProxyTo } from '@daybook/testing/fault-proxy';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { readableLog, type ThingTables, temporaryFolder, thingMigrations, thingsOf } from '../testing.ts';
import { systemClock } from './clock.ts';
import type { HostProcess } from './host-process.ts';
import { openServiceDatabase } from './service-database.ts';
import { StartFailure } from './start-failure.ts';

async function hostOf(relaysEvents = true) {
  const bus = createInProcessBus();
  const handled: string[] = [];
  await bus.subscribe({
    consumer: 'recorder',
    types: ['daybook.patient.registered.v1'],
    handle: async ({ subject }) => void handled.push(subject),
  });
  bus.open();
  const host: HostProcess = {
    environment: {},
    logger: readableLog().logger,
    registryUrls: [],
    bus,
    relaysEvents,
    fetchIntervalMillis: 1000,
    clock: systemClock,
  };
  return { host, handled };
}

/** Waits until the database of a server, which is opened in the background, is open. */
const untilOpen = (database: Database<ThingTables>) => vi.waitFor(() => database.check(), { timeout: 10_000 });

describe('the database of a service', () => {
  it('hands its events to the bus until it is closed with the service', async () => {
    await using folder = await temporaryFolder();
    const { host, handled } = await hostOf();
    const resources = new AsyncDisposableStack();
    const database = await openServiceDatabase<ThingTables>(host, folder.url, thingMigrations, resources);
    await untilOpen(database);
    const patientId = newId();
    await database.write((transaction) =>
      appendEvent(
        asSharedTransaction(transaction),
        { type: 'daybook.patient.registered.v1', subject: patientId, sequence: 1, data: { patientId } },
        { source: '/services/patient', time: systemClock() },
      ),
    );
    await vi.waitFor(() => expect(handled).toEqual([patientId]));
    await resources.disposeAsync();
    await expect(database.check()).rejects.toThrow();
  });

  it('keeps its events where another process hands them to the bus', async () => {
    await using folder = await temporaryFolder();
    const { host, handled } = await hostOf(false);
    await using resources = new AsyncDisposableStack();
    const database = await openServiceDatabase<ThingTables>(host, folder.url, thingMigrations, resources);
    await untilOpen(database);
    const patientId = newId();
    await database.write((transaction) =>
      appendEvent(
        asSharedTransaction(transaction),
        { type: 'daybook.patient.registered.v1', subject: patientId, sequence: 1, data: { patientId } },
        { source: '/services/patient', time: systemClock() },
      ),
    );
    const other = await hostOf(true);
    await using otherParts = new AsyncDisposableStack();
    await openServiceDatabase<ThingTables>(other.host, folder.url, thingMigrations, otherParts);
    await vi.waitFor(() => expect(other.handled).toEqual([patientId]));
    expect(handled).toEqual([]);
  });

  it.runIf(databaseKind === 'sqlite')(
    'that cannot be used is a failure to start: 69, in words that name the file',
    async () => {
      await using folder = await temporaryFolder();
      const path = join(folder.path, 'things.sqlite');
      await writeFile(path, 'nonsense'.repeat(1000));
      const { host } = await hostOf();
      await using resources = new AsyncDisposableStack();
      await expect(openServiceDatabase(host, folder.url, thingMigrations, resources)).rejects.toSatisfy(
        (error) => error instanceof StartFailure && error.exitCode === 69 && error.message.includes(path),
      );
    },
  );

  it.runIf(databaseKind !== 'sqlite')('is there at once, and works as soon as its server responds', async () => {
    await using folder = await temporaryFolder();
    const network = await openFaultProxyTo(folder.url);
    onTestFinished(() => network.close());
    await network.refuse();
    const { host, handled } = await hostOf();
    await using resources = new AsyncDisposableStack();
    const database = await openServiceDatabase<ThingTables>(
      host,
      network.through(folder.url),
      thingMigrations,
      resources,
    );
    await expect(database.check()).rejects.toThrow(DatabaseUnavailable);
    await expect(thingsOf(database)).rejects.toThrow(DatabaseUnavailable);
    await network.heal();
    await untilOpen(database);
    const patientId = newId();
    await database.write((transaction) =>
      appendEvent(
        asSharedTransaction(transaction),
        { type: 'daybook.patient.registered.v1', subject: patientId, sequence: 1, data: { patientId } },
        { source: '/services/patient', time: systemClock() },
      ),
    );
    await vi.waitFor(() => expect(handled).toEqual([patientId]), { timeout: 10_000 });
  });
});
