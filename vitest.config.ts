import { availableParallelism } from 'node:os';
import { defaultExclude, defineConfig } from 'vitest/config';
import { findServers } from './packages/testing/src/servers.ts';

const servers = await findServers();

/** What runs on every database that is there; everything runs on SQLite. */
const ON_EACH_DATABASE = [
  'packages/database/src/{contract,mysql/mysql,idempotency,outbox,housekeeping,migrations,plans}.test.ts',
  'packages/messaging/src/{relay,consumer,parked-events,plans}.test.ts',
  'packages/service/src/{http/idempotency,lifecycle/service-database}.test.ts',
  'services/{patient,doctor,appointment,notification}/src/store/**/*.test.ts',
  'services/appointment/src/routes/{booking,first-free,holds,overbooking,appointment-actions,step-back,walk-ins,appointment-list,appointment-changes,capacity}.test.ts',
  'services/patient/src/routes/{merges,possible-duplicate,patient-search}.test.ts',
  'services/appointment/src/jobs/*.test.ts',
  'services/notification/src/{events,parked-events}.test.ts',
  'e2e/src/{system/{golden-journey,two-processes},properties/model,resilience/{durability,crash-recovery,contention}}.test.ts',
];

const onServers = (['mysql', 'mariadb'] as const).flatMap((kind) => {
  const serverUrl = servers.get(kind);
  if (serverUrl === undefined) return [];
  return {
    extends: true as const,
    test: { name: kind, include: ON_EACH_DATABASE, provide: { database: { kind, serverUrl } } },
  };
});

export default defineConfig({
  test: {
    // Real sockets, files and processes on machines that may be slow: a deadline for what hangs, not a measure.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    restoreMocks: true,
    // Most tests wait for sockets, disks and servers: one processor can do with more than one worker.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        extends: true,
        test: {
          name: 'sqlite',
          include: ['**/src/**/*.test.ts'],
          exclude: [...defaultExclude, 'packages/database/src/mysql/mysql.test.ts', 'e2e/src/deploy/**'],
          provide: { database: { kind: 'sqlite', serverUrl: '' } },
        },
      },
      ...onServers,
    ],
  },
});
