/** Builds the environment of each process, and checks the variables that the shell must set. */
import { join } from 'node:path';
import { type Environment, InvalidConfiguration, isGiven } from '@daybook/service';
import type { ServiceName } from '../services.ts';
import type { Entry, Topology } from './topology.ts';

/** The shared cache of compiled files, which spares every process after the first the compilation. */
const COMPILE_CACHE = join(import.meta.dirname, '../../../node_modules/.cache/daybook');

const SERVICES_WITH_DATABASE: readonly ServiceName[] = ['identity', 'patient', 'doctor', 'appointment', 'notification'];

/** The log of each process is JSON, because the supervisor formats the lines. */
export const JSON_LOG: Environment = { DAYBOOK_LOG_FORMAT: 'json', DAYBOOK_LOG_FORMAT_FILE: '' };

/**
 * Returns the environment of a process at `port`; 0 takes a free port.
 * If the topology sets no ports, the gateway uses its own variable.
 */
export function environmentOf(entry: Entry, port: number, shell: Environment, registryUrl?: string): Environment {
  const isGateway = entry.service === 'gateway';
  const leavesPort = isGateway && port === 0 && entry.ports === undefined;
  return {
    NODE_COMPILE_CACHE: COMPILE_CACHE,
    ...shell,
    ...JSON_LOG,
    // Only the gateway serves other machines, so only it listens on DAYBOOK_HOST.
    ...(!isGateway && { DAYBOOK_HOST: '127.0.0.1', DAYBOOK_ADVERTISED_HOST: '', DAYBOOK_OPERATIONS_PORT: '' }),
    ...(registryUrl !== undefined && { EUREKA_URL: registryUrl }),
    ...entry.environment,
    ...(!leavesPort && { [isGateway ? 'DAYBOOK_PORT' : 'DAYBOOK_SERVICE_PORT']: String(port) }),
  };
}

/**
 * Checks that every server is configured.
 * @throws InvalidConfiguration naming each missing server, and the page that explains how to start it
 */
export function checkServers(topology: Topology, shell: Environment): void {
  const lacks = (names: readonly string[]) =>
    topology.some(
      (entry) =>
        SERVICES_WITH_DATABASE.includes(entry.service) &&
        !names.some((name) => isGiven(environmentOf(entry, 0, shell), name)),
    );
  const faults = [
    ...(lacks(['DAYBOOK_MYSQL_URL', 'DATABASE_URL'])
      ? ['DAYBOOK_MYSQL_URL is needed, the MySQL server of the databases: mysql://USER:PASSWORD@127.0.0.1:3306']
      : []),
    ...(lacks(['AMQP_URL'])
      ? ['AMQP_URL is needed, the RabbitMQ server of the events: amqp://USER:PASSWORD@127.0.0.1:5672']
      : []),
    ...(isGiven(shell, 'DATABASE_URL')
      ? ['DATABASE_URL is for a service that runs alone; for all of them set DAYBOOK_MYSQL_URL']
      : []),
  ];
  if (faults.length > 0)
    throw new InvalidConfiguration([...faults, 'docs/running.md explains how to start the servers']);
}
