/** `--mode unit`, `integration`, `e2e` or `mutants` chooses a tier of the tests. Without it, all but the last run. */
import { availableParallelism } from 'node:os';
import { defaultExclude, defineConfig } from 'vitest/config';
import { findServers, isNightly, type ServerName } from './packages/testing/src/servers.ts';
import {
  BROKEN_BUILDS,
  BROKER,
  E2E,
  INTEROP,
  ON_EACH_DATABASE,
  OPERATIONS_ON_SERVERS,
  SYSTEM_ON_EACH_DATABASE,
  SYSTEM_UNDER_FAULTS,
  type Tier,
  UNIT,
} from './tools/repo-checks/src/tiers.ts';

const onSqlite = (name: string, { include, exclude }: Tier) => ({
  extends: true as const,
  test: {
    name,
    include: [...include],
    exclude: [...defaultExclude, ...exclude],
    provide: { database: { kind: 'sqlite' as const, serverUrl: '' } },
  },
});

type Servers = ReadonlyMap<ServerName, string>;

function onServer(servers: Servers, kind: 'mysql' | 'mariadb', prefix: string, include: string[]) {
  const serverUrl = servers.get(kind);
  if (serverUrl === undefined) return [];
  const name = `${prefix}${kind}`;
  return [{ extends: true as const, test: { name, include, provide: { database: { kind, serverUrl } } } }];
}

/** Most test files start quickly and import the same modules: each worker loads these once for all its files. */
const sharingModules = { isolate: false };

const unit = () => {
  const project = onSqlite('unit', UNIT);
  return [{ ...project, test: { ...project.test, ...sharingModules } }];
};

/** Stores, bus and discovery on each real server that is available. */
const integration = (servers: Servers) => [
  ...onServer(servers, 'mysql', '', [...ON_EACH_DATABASE, ...OPERATIONS_ON_SERVERS]),
  ...onServer(servers, 'mariadb', '', [...ON_EACH_DATABASE, ...(isNightly ? OPERATIONS_ON_SERVERS : [])]),
  onSqlite('rabbitmq', BROKER),
  onSqlite('interop', INTEROP),
];

const e2e = (servers: Servers) => [
  onSqlite('e2e', E2E),
  ...onServer(servers, 'mysql', 'e2e-', [...SYSTEM_ON_EACH_DATABASE, ...SYSTEM_UNDER_FAULTS]),
  ...onServer(servers, 'mariadb', 'e2e-', [...SYSTEM_ON_EACH_DATABASE, ...(isNightly ? SYSTEM_UNDER_FAULTS : [])]),
];

async function projectsOf(mode: string) {
  if (mode === 'unit') return unit();
  if (mode === 'mutants') return [onSqlite('mutants', BROKEN_BUILDS)];
  const servers = await findServers();
  if (mode === 'integration') return integration(servers);
  if (mode === 'e2e') return e2e(servers);
  return [...unit(), ...integration(servers), ...e2e(servers)];
}

export default defineConfig(async ({ mode }) => ({
  test: {
    // Real sockets, files and processes on machines that may be slow: a deadline for what hangs, not a measure.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    restoreMocks: true,
    // Most tests wait for sockets, disks and servers, so a processor serves more than one worker. The other tiers have
    // servers and processes next to their workers.
    maxWorkers: mode === 'unit' ? availableParallelism() + 1 : Math.max(2, availableParallelism() - 1),
    projects: await projectsOf(mode),
  },
}));
