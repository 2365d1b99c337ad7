/** Finds optional servers for tests. Skipped tests are reported, and never count as passed. */
import { createConnection } from 'mysql2/promise';

interface KnownServer {
  readonly variable: string;
  readonly standard: string;
  readonly how: string;
  /** @throws when the server is unavailable or a different one */
  probe(url: string): Promise<void>;
}

async function probeDatabase(url: string, isRight: (version: string) => boolean): Promise<void> {
  const connection = await createConnection({ uri: url, connectTimeout: 2000 });
  try {
    const [rows] = await connection.query('select version() as version');
    const [row] = Array.isArray(rows) ? rows : [];
    if (!row || !('version' in row) || !isRight(String(row.version))) throw new Error('it is another server');
  } finally {
    connection.destroy();
  }
}

const SERVERS = {
  mysql: {
    variable: 'DAYBOOK_TEST_MYSQL_URL',
    standard: 'mysql://root@127.0.0.1:3309',
    how: 'start MySQL 9 on 127.0.0.1:3309 (root without a password) or set DAYBOOK_TEST_MYSQL_URL',
    probe: (url) => probeDatabase(url, (version) => !version.includes('MariaDB') && Number.parseInt(version, 10) >= 8),
  },
  mariadb: {
    variable: 'DAYBOOK_TEST_MARIADB_URL',
    standard: 'mysql://root@127.0.0.1:3306',
    how: 'apt-get install mariadb-server (127.0.0.1:3306, root without a password) or set DAYBOOK_TEST_MARIADB_URL',
    probe: (url) => probeDatabase(url, (version) => version.includes('MariaDB')),
  },
} as const satisfies Record<string, KnownServer>;

/** Whether the tests that take minutes run on every server, too. */
export const isNightly = process.env.DAYBOOK_TEST_NIGHTLY === '1';

export type ServerName = keyof typeof SERVERS;

/**
 * Returns the address of each available server.
 * @throws naming the missing servers of `DAYBOOK_TEST_REQUIRE`
 */
export async function findServers(): Promise<ReadonlyMap<ServerName, string>> {
  const found = new Map<ServerName, string>();
  const missing = new Map<ServerName, string>();
  await Promise.all(
    (Object.keys(SERVERS) as ServerName[]).map(async (name) => {
      const { variable, standard, how, probe } = SERVERS[name];
      const url = process.env[variable] || standard;
      try {
        await probe(url);
        found.set(name, url);
      } catch (error) {
        missing.set(name, `${name}: ${how} (${error instanceof Error ? error.message : String(error)})`);
      }
    }),
  );
  const required = (process.env.DAYBOOK_TEST_REQUIRE ?? '').split(',').map((name) => name.trim());
  const lacking = [...missing].filter(([name]) => required.includes(name)).map(([, why]) => why);
  if (lacking.length > 0)
    throw new Error(`DAYBOOK_TEST_REQUIRE names servers that are not there. ${lacking.join('; ')}`);
  if (missing.size > 0) process.stdout.write(`SKIPPED, no server: ${[...missing.values()].join('; ')}\n`);
  return found;
}
