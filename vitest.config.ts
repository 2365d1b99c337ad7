/** The tiers of the tests: `--mode unit`, `integration`, `e2e` or `mutants` chooses one; without, all but the last run. */
import { availableParallelism } from 'node:os';
import { defaultExclude, defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { findServers, type ServerName } from './packages/testing/src/servers.ts';

/** Tests of stores and of what relies on transactions: they run on every database that is there. */
const ON_EACH_DATABASE = [
  'packages/database/src/{contract,mysql/mysql,idempotency,outbox,housekeeping,migrations,plans}.test.ts',
  'packages/messaging/src/{relay,consumer,parked-events,plans}.test.ts',
  'packages/service/src/{http/idempotency,lifecycle/service-database}.test.ts',
  'services/{patient,doctor,appointment,notification}/src/store/**/*.test.ts',
  'services/appointment/src/routes/{booking,first-free,holds,overbooking,appointment-actions,step-back,walk-ins,appointment-list,appointment-changes,capacity}.test.ts',
  'services/patient/src/routes/{merges,possible-duplicate,patient-search}.test.ts',
  'services/appointment/src/jobs/*.test.ts',
  'services/notification/src/{events,parked-events}.test.ts',
];
const SYSTEM_ON_EACH_DATABASE = [
  'e2e/src/{system/{golden-journey,two-processes},properties/model,resilience/{durability,crash-recovery,contention}}.test.ts',
];
const MYSQL_ONLY = 'packages/database/src/mysql/mysql.test.ts';
const WITH_BROKER = 'packages/messaging/src/rabbitmq/{bus,broker-faults,broker-restart}.test.ts';
const GOLDEN_JOURNEY = 'e2e/src/system/golden-journey.test.ts';

const onSqlite = (
  name: string,
  include: string[],
  exclude: string[] = [],
): TestProjectInlineConfiguration & { extends: true } => ({
  extends: true,
  test: {
    name,
    include,
    exclude: [...defaultExclude, ...exclude],
    provide: { database: { kind: 'sqlite', serverUrl: '' } },
  },
});

const onServers = (servers: ReadonlyMap<ServerName, string>, prefix: string, include: string[]) =>
  (['mysql', 'mariadb'] as const).flatMap((kind) => {
    const serverUrl = servers.get(kind);
    if (serverUrl === undefined) return [];
    return {
      extends: true as const,
      test: { name: `${prefix}${kind}`, include, provide: { database: { kind, serverUrl } } },
    };
  });

/** What Node alone can run. */
const unit = [
  onSqlite(
    'unit',
    ['{packages,services,launcher,tools}/**/src/**/*.test.ts', 'e2e/src/chaos/**/*.test.ts', GOLDEN_JOURNEY],
    [MYSQL_ONLY, WITH_BROKER, 'e2e/src/chaos/mutants-caught.test.ts'],
  ),
];

/** Stores, bus and discovery on each real server that is there. */
const integration = (servers: ReadonlyMap<ServerName, string>) => [
  ...onServers(servers, '', ON_EACH_DATABASE),
  onSqlite('rabbitmq', [WITH_BROKER]),
  onSqlite('interop', ['e2e/src/interop/*.test.ts']),
];

/** The system as processes: model, fuzz, crash recovery, contention. */
const e2e = (servers: ReadonlyMap<ServerName, string>) => [
  onSqlite('e2e', ['e2e/src/{system,properties,resilience}/*.test.ts'], [GOLDEN_JOURNEY]),
  ...onServers(servers, 'e2e-', SYSTEM_ON_EACH_DATABASE),
];

/** Builds that are broken on purpose, each of which a chaos run has to notice. */
const mutants = onSqlite('mutants', ['e2e/src/chaos/mutants-caught.test.ts']);

export default defineConfig(async ({ mode }) => {
  const projects = async () => {
    if (mode === 'unit') return unit;
    if (mode === 'mutants') return [mutants];
    const servers = await findServers();
    if (mode === 'integration') return integration(servers);
    if (mode === 'e2e') return e2e(servers);
    return [...unit, ...integration(servers), ...e2e(servers)];
  };
  return {
    test: {
      // Real sockets, files and processes on machines that may be slow: a deadline for what hangs, not a measure.
      testTimeout: 30_000,
      hookTimeout: 30_000,
      restoreMocks: true,
      // Most tests wait for sockets, disks and servers: one processor can do with more than one worker.
      maxWorkers: Math.max(2, availableParallelism() - 1),
      projects: await projects(),
    },
  };
});
