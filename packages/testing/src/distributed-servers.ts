/**
 * A MySQL and a RabbitMQ for a system of processes, with separate databases and a separate virtual host. Both can be
 * made unreachable.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { createConnection } from 'mysql2/promise';
import { isRequired, testBrokers } from './brokers.ts';
import { openFaultProxyTo } from './fault-proxy.ts';
import { findServers } from './servers.ts';

const run = promisify(execFile);

/** Each server has a fault proxy in front. */
export interface DistributedServers extends AsyncDisposable {
  /** Variables with the addresses of both servers. */
  readonly environment: Record<string, string>;
  /** Makes both servers unreachable until `open`. */
  close(): Promise<void>;
  open(): Promise<void>;
}

const HOW_VHOST = 'a virtual host of its own is made with rabbitmqctl, as the user of the broker or root';

const skipped = (server: string, why: string): undefined => {
  if (isRequired(server)) throw new Error(`${server} is required: ${why}`);
  console.warn(`SKIPPED: the tests of separate processes. ${why}`);
  return undefined;
};

async function canMakeVhosts(): Promise<boolean> {
  try {
    await run('rabbitmqctl', ['list_vhosts', '--silent']);
    return true;
  } catch {
    // The caller that skips the tests prints the reason.
    return false;
  }
}

async function dropDatabases(mysqlUrl: string, prefix: string): Promise<void> {
  const connection = await createConnection({ uri: mysqlUrl });
  for (const service of ['identity', 'patient', 'doctor', 'appointment', 'notification']) {
    await connection.query(`drop database if exists ${prefix}_${service}`);
  }
  await connection.end();
}

const withPath = (url: string, name: string): string => Object.assign(new URL(url), { pathname: `/${name}` }).href;

async function create(mysqlUrl: string, amqpUrl: string): Promise<DistributedServers> {
  const name = `daybook_e2e_${process.pid}_${randomBytes(4).toString('hex')}`;
  await run('rabbitmqctl', ['add_vhost', name]);
  const user = decodeURIComponent(new URL(amqpUrl).username);
  await run('rabbitmqctl', ['set_permissions', '-p', name, user, '.*', '.*', '.*']);
  const [mysql, broker] = [await openFaultProxyTo(mysqlUrl), await openFaultProxyTo(amqpUrl)];
  const proxies = [mysql, broker];
  return {
    environment: {
      DAYBOOK_MYSQL_URL: mysql.through(withPath(mysqlUrl, name)),
      AMQP_URL: broker.through(withPath(amqpUrl, name)),
    },
    async close() {
      await Promise.all(proxies.map((proxy) => proxy.refuse()));
    },
    async open() {
      await Promise.all(proxies.map((proxy) => proxy.heal()));
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(proxies.map((proxy) => proxy.close()));
      await run('rabbitmqctl', ['delete_vhost', name]);
      await dropDatabases(mysqlUrl, name);
    },
  };
}

/** Returns how to create the servers. Prints a message and returns undefined when a server is missing. */
export async function distributedServers(): Promise<(() => Promise<DistributedServers>) | undefined> {
  const mysqlUrl = (await findServers()).get('mysql');
  const [broker] = await testBrokers();
  if (mysqlUrl === undefined) return skipped('mysql', 'They need a MySQL server.');
  if (!broker) return skipped('rabbitmq', 'They need a RabbitMQ server.');
  if (!(await canMakeVhosts())) return skipped('rabbitmq', HOW_VHOST);
  return () => create(mysqlUrl, broker.url);
}
