/**
 * Fills empty databases with the demo clinic, as a program that exits afterwards.
 * Its services share a process whose clock can be set to earlier days.
 * The events wait in the outboxes until the later services publish them.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { createInProcessBus } from '@daybook/messaging';
import {
  type Clock,
  completeRegistryUsers,
  type Environment,
  EXIT,
  type HostProcess,
  openProcessLog,
  StartFailure,
  systemClock,
} from '@daybook/service';
import { createTokenSource } from '../access/token-source.ts';
import { environment, readConfig } from '../config.ts';
import { prepareDataFolder } from '../data-folder.ts';
import { areServicesEmpty, isDemoPending, markDemoPending, seedDemo, type UrlOf } from '../demo/seed.ts';
import { FETCH_INTERVAL_MILLIS } from '../intervals.ts';
import { urlsFor, withRegistryAccess } from '../registry-users.ts';
import { startService } from '../services.ts';
import { environmentOf } from './environment.ts';
import { readTopology, type Topology } from './topology.ts';

const SEEDED_SERVICES = ['identity', 'patient', 'doctor', 'appointment'] as const;

const withoutCredentials = (url: string): string => {
  const parsed = URL.parse(url);
  if (!parsed) return url;
  [parsed.username, parsed.password] = ['', ''];
  return parsed.href;
};

/** Returns a path that depends on the databases, so that a start with other databases has its own marker. */
function markerPath(folder: string, environments: readonly Environment[]): string {
  const databases = environments.map(({ DAYBOOK_MYSQL_URL = '', DATABASE_URL = '' }) =>
    [DAYBOOK_MYSQL_URL, DATABASE_URL].map(withoutCredentials),
  );
  const name = createHash('sha256').update(JSON.stringify(databases)).digest('hex').slice(0, 16);
  return join(folder, `demo-${name}.json`);
}

async function seed(topology: Topology): Promise<void> {
  const config = readConfig();
  const { DAYBOOK_DATA } = config;
  const logger = await openProcessLog(config);
  let clock: Clock = systemClock;
  await using resources = new AsyncDisposableStack();
  const isolated = {
    DAYBOOK_SERVICE_PORT: '0',
    DAYBOOK_HOST: '127.0.0.1',
    EUREKA_URL: '',
    EUREKA_URL_FILE: '',
    AMQP_URL: '',
  };
  const users = completeRegistryUsers();
  const host: HostProcess = {
    environment: isolated,
    logger,
    registryUrls: [],
    bus: createInProcessBus(),
    relaysEvents: false,
    fetchIntervalMillis: FETCH_INTERVAL_MILLIS,
    clock: () => clock(),
  };
  const registry = await startService('registry', {
    ...host,
    environment: withRegistryAccess('registry', isolated, users),
  });
  resources.defer(() => registry.close());
  const environments = topology.flatMap((entry) =>
    SEEDED_SERVICES.some((name) => name === entry.service)
      ? [[entry.service, { ...environmentOf(entry, 0, environment), ...isolated }] as const]
      : [],
  );
  if (environments.length < SEEDED_SERVICES.length) return;
  const urls = new Map<string, string>();
  const starting = environments.map(async ([name, ofService]) => {
    const serviceHost = {
      ...host,
      environment: ofService,
      // Tokens and key sets are of today.
      ...(name === 'identity' && { clock: systemClock }),
      registryUrls: [urlsFor(name, `${registry.url}/eureka`, users)],
    };
    const service = await startService(name, serviceHost);
    resources.defer(() => service.close({ callersAreGone: true }));
    urls.set(name, service.url);
    await service.ready;
  });
  await Promise.all(starting);
  const urlOf: UrlOf = (name) => urls.get(name) ?? '';
  await prepareDataFolder(DAYBOOK_DATA);
  const marker = markerPath(
    DAYBOOK_DATA,
    environments.map(([, ofService]) => ofService),
  );
  const identity = new Map(environments).get('identity') ?? {};
  const tokens = createTokenSource(identity);
  resources.use(tokens);
  const token = () => tokens.tokenFor({ role: 'administrator' });
  if (await areServicesEmpty(urlOf, token)) await markDemoPending(marker);
  if (!(await isDemoPending(marker))) return;
  await seedDemo({ marker, urlOf, token, identity, logger }, (fixedClock) => {
    clock = fixedClock;
  });
}

// Exits because the parent process is gone.
process.on('disconnect', () => process.exit(EXIT.software));
try {
  const [file = ''] = process.argv.slice(2);
  await seed(await readTopology(file));
  process.exit(0);
} catch (error) {
  if (!(error instanceof StartFailure)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(error.exitCode);
}
