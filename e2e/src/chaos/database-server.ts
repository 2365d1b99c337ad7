/** Runs a private MariaDB or MySQL with a temporary data folder, which syncs each commit to the disk. */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createConnection } from 'mysql2/promise';
import { SERVERS_HOST } from './addresses.ts';
import { type Child, startChild, waitUntil } from './child-process.ts';

const run = promisify(execFile);
const INSTALL_MILLIS = 120_000;
const START_MILLIS = 90_000;
const USER = 'daybook';

/** A server that faults may stop and start again. */
export interface PrivateServer {
  /** Kills it as a power failure does. */
  kill(): Promise<void>;
  /** Stops it as an administrator does. */
  stop(): Promise<void>;
  /** Starts it on its existing data if it is not running. Resolves when it responds. */
  start(): Promise<void>;
}

export interface DatabaseServer extends PrivateServer {
  /** The version that it reports. */
  readonly version: string;
  /** Returns the URL without a database. `host` is the proxy's or its own. */
  urlAt(host: string): string;
}

export interface DatabaseServerOptions {
  /** `mariadbd` or `mysqld`. */
  readonly program: string;
  readonly folder: string;
  /** The folder of the data, which may be on a separate disk. */
  readonly dataFolder: string;
  readonly port: number;
}

const asRoot = (): string[] => (process.getuid?.() === 0 ? ['--user=root'] : []);

/** Small sizes, because all data must fit on the small disk that faults fill. */
const COMMON = [
  '--skip-log-bin',
  '--skip-name-resolve',
  '--max-connections=400',
  '--innodb-flush-log-at-trx-commit=1',
  '--innodb-buffer-pool-size=64M',
];
const OF_MARIADB = ['--innodb-log-file-size=24M', '--aria-log-file-size=8M'];
const OF_MYSQL = ['--innodb-redo-log-capacity=24M', '--mysqlx=OFF'];

export async function databaseVersion(program: string): Promise<string> {
  const { stdout } = await run(program, ['--version']);
  return stdout.trim();
}

async function install(program: string, dataFolder: string, isMariadb: boolean): Promise<void> {
  const own = ['--no-defaults', `--datadir=${dataFolder}`, ...asRoot()];
  const [command, args] = isMariadb
    ? ['mariadb-install-db', [...own, '--auth-root-authentication-method=normal', '--skip-test-db', ...OF_MARIADB]]
    : [program, [...own, '--initialize-insecure', ...OF_MYSQL]];
  await run(command, args, { timeout: INSTALL_MILLIS });
}

export async function createDatabaseServer(options: DatabaseServerOptions): Promise<DatabaseServer> {
  const { program, folder, dataFolder, port } = options;
  const version = await databaseVersion(program);
  const isMariadb = version.includes('MariaDB');
  await mkdir(dataFolder, { recursive: true });
  // A starting server deletes files that look like its temporary ones, so each server has its own folder.
  const temporary = join(folder, 'database-temporary');
  await mkdir(temporary, { recursive: true });
  await install(program, dataFolder, isMariadb);
  const accounts = join(folder, 'accounts.sql');
  await writeFile(accounts, `create user if not exists ${USER}@'%';\ngrant all on *.* to ${USER}@'%';\n`);
  const args = [
    '--no-defaults',
    `--datadir=${dataFolder}`,
    `--tmpdir=${temporary}`,
    `--socket=${join(folder, 'database.sock')}`,
    `--pid-file=${join(folder, 'database.pid')}`,
    `--bind-address=${SERVERS_HOST}`,
    `--port=${port}`,
    `--init-file=${accounts}`,
    ...asRoot(),
    ...COMMON,
    ...(isMariadb ? OF_MARIADB : OF_MYSQL),
  ];
  const urlAt = (host: string) => `mysql://${USER}@${host}:${port}`;
  let child: Child | undefined;

  async function isReachable(): Promise<boolean> {
    if (!child?.isRunning) throw new Error(`the database server ended at its start: see ${folder}/database.log`);
    try {
      const connection = await createConnection({ uri: urlAt(SERVERS_HOST), connectTimeout: 2_000 });
      await connection.end();
      return true;
    } catch {
      return false;
    }
  }

  return {
    version,
    urlAt,
    async start() {
      if (child?.isRunning) return;
      child = startChild({ program, args, log: join(folder, 'database.log') });
      await waitUntil('the database responds', START_MILLIS, isReachable);
    },
    kill: async () => child?.stop('SIGKILL'),
    stop: async () => child?.stop('SIGTERM'),
  };
}
