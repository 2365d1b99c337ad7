/** Defines which tests belong to which tier of CONTRIBUTING.md. A check holds that each test file is in one of them. */

export interface Tier {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

/** Tests of stores and of what relies on transactions: they run on every database that is available. */
export const ON_EACH_DATABASE = [
  'packages/database/src/{contract,mysql/mysql,idempotency,outbox,housekeeping,migrations,plans}.test.ts',
  'packages/messaging/src/{relay,consumer,parked-events,plans}.test.ts',
  'packages/service/src/{http/idempotency,lifecycle/service-database}.test.ts',
  'services/{patient,doctor,appointment,notification,identity}/src/store/**/*.test.ts',
  'services/appointment/src/jobs/*.test.ts',
  'services/notification/src/events/*.test.ts',
];

/**
 * Tests of operations that rely on the same stores, again by HTTP. They run on MySQL, and on MariaDB in the nightly run:
 * the stores themselves are tested on both.
 */
export const OPERATIONS_ON_SERVERS = [
  'services/appointment/src/routes/{booking,first-free,holds,overbooking,appointment-actions,step-back,walk-ins,appointment-list,appointment-changes,capacity}.test.ts',
  'services/patient/src/routes/{merges,possible-duplicate,patient-search}.test.ts',
  'services/identity/src/{api/api,routes/sign-in,routes/one-time-link,oidc/openid-client}.test.ts',
  'services/appointment/src/access.test.ts',
];

/** Tests of the whole system that rely on the database. */
export const SYSTEM_ON_EACH_DATABASE = ['e2e/src/system/{golden-journey,two-processes}.test.ts'];

/**
 * The same with faults and many requests, which take minutes. They run on MySQL, and on MariaDB in the nightly run: the
 * chaos runs kill a MariaDB.
 */
export const SYSTEM_UNDER_FAULTS = [
  'e2e/src/properties/model.test.ts',
  'e2e/src/resilience/{durability,crash-recovery,contention}.test.ts',
];

const MYSQL_ONLY = 'packages/database/src/mysql/mysql.test.ts';
const WITH_BROKER = [
  'packages/messaging/src/rabbitmq/{accounts,bus,broker-faults,broker-restart}.test.ts',
  'services/identity/src/events/audit-over-rabbitmq.test.ts',
];
/** Tests of the whole system that Node alone can run, in seconds. */
const GOLDEN_JOURNEY = 'e2e/src/system/golden-journey.test.ts';
const EXAMPLES = 'e2e/src/system/examples.test.ts';
const MUTANTS = ['e2e/src/chaos/mutants-caught.test.ts', 'e2e/src/mutants/access-mutants-caught.test.ts'];
/** Measures times, which a unit tier with many workers would disturb. */
const TIMES = 'services/identity/src/routes/same-time.test.ts';

/** What Node alone can run. */
export const UNIT: Tier = {
  include: [
    '{packages,services,launcher,tools}/**/src/**/*.test.ts',
    'e2e/src/{chaos,mutants}/**/*.test.ts',
    GOLDEN_JOURNEY,
    EXAMPLES,
  ],
  exclude: [MYSQL_ONLY, ...WITH_BROKER, ...MUTANTS, TIMES],
};

/** The bus over real brokers. */
export const BROKER: Tier = { include: WITH_BROKER, exclude: [] };

/** Our clients and servers with those of Spring and Netflix. */
export const INTEROP: Tier = { include: ['e2e/src/interop/**/*.test.ts'], exclude: [] };

/** The system as processes: model, fuzz, crash recovery, contention. */
export const E2E: Tier = {
  include: ['e2e/src/{system,properties,resilience}/**/*.test.ts', TIMES],
  exclude: [GOLDEN_JOURNEY, EXAMPLES],
};

/** Builds that are broken on purpose, each of which a chaos run or the tests of access have to notice. */
export const BROKEN_BUILDS: Tier = { include: MUTANTS, exclude: [] };

/** Images and compose: `e2e/src/deploy/vitest.config.ts`. */
export const DEPLOY: Tier = { include: ['e2e/src/deploy/**/*.test.ts'], exclude: [] };
