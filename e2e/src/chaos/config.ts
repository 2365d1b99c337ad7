/** Reads the configuration of `npm run chaos` from the environment. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EXIT, StartFailure } from '@daybook/service';

const run = promisify(execFile);
const DEFAULT_SECONDS = 120;
const MAX_SECONDS = 24 * 3600;
const MAX_SEED = 2 ** 31 - 1;

export interface ChaosConfig {
  readonly seconds: number;
  readonly seed: number;
  /** The program of the database server. */
  readonly databaseProgram: string;
  /** `ours` is the registry of the system itself; `java` the jar of `deploy/eureka`. */
  readonly registry: 'ours' | 'java';
  /** The parts that may not be skipped when the machine lacks something for them. */
  readonly required: readonly string[];
}

const failure = (code: number, text: string) => new StartFailure(code, text);

function readInteger(name: string, byDefault: number, most: number): number {
  const text = process.env[name] || String(byDefault);
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= most) return value;
  throw failure(EXIT.configuration, `Wrong configuration: ${name} has to be a whole number from 1 to ${most}.`);
}

async function isOnPath(program: string): Promise<boolean> {
  try {
    await run('sh', ['-c', `command -v "$1"`, 'sh', program]);
    return true;
  } catch {
    return false;
  }
}

async function findDatabaseProgram(): Promise<string> {
  const configured = process.env.DAYBOOK_CHAOS_MYSQLD;
  if (configured) {
    if (await isOnPath(configured)) return configured;
    throw failure(EXIT.unavailable, `DAYBOOK_CHAOS_MYSQLD names ${configured}, which is not a program here.`);
  }
  // Debian installs its servers outside of a user's path.
  for (const program of ['mariadbd', '/usr/sbin/mariadbd', 'mysqld', '/usr/sbin/mysqld']) {
    if (await isOnPath(program)) return program;
  }
  throw failure(
    EXIT.unavailable,
    'Chaos tests need a database server that it may kill, and there is none here: apt-get install mariadb-server, or DAYBOOK_CHAOS_MYSQLD=PROGRAM.',
  );
}

const RABBITMQ = '/usr/lib/rabbitmq/bin/rabbitmq-server';

/**
 * Reads the configuration.
 * @throws StartFailure 69 when a dependency is missing, 78 when a variable is invalid
 */
export async function readChaosConfig(): Promise<ChaosConfig> {
  if (process.platform !== 'linux') {
    throw failure(EXIT.unavailable, 'Chaos tests need Linux: it uses more than one address of loopback.');
  }
  const seconds = readInteger('DAYBOOK_CHAOS_SECONDS', DEFAULT_SECONDS, MAX_SECONDS);
  const seed = readInteger('DAYBOOK_CHAOS_SEED', 1 + Math.floor(Math.random() * MAX_SEED), MAX_SEED);
  const registry = process.env.DAYBOOK_CHAOS_EUREKA || 'ours';
  if (registry !== 'ours' && registry !== 'java') {
    throw failure(EXIT.configuration, 'Wrong configuration: DAYBOOK_CHAOS_EUREKA has to be ours or java.');
  }
  const databaseProgram = await findDatabaseProgram();
  if (!existsSync(RABBITMQ)) {
    throw failure(
      EXIT.unavailable,
      'Chaos tests need a RabbitMQ that it may kill, and there is none here: apt-get install rabbitmq-server.',
    );
  }
  if (registry === 'java' && !existsSync(eurekaJar())) {
    throw failure(EXIT.unavailable, `DAYBOOK_CHAOS_EUREKA=java needs ${eurekaJar()}: see deploy/eureka.`);
  }
  const required = (process.env.DAYBOOK_CHAOS_REQUIRE ?? '').split(',').map((name) => name.trim());
  return { seconds, seed, databaseProgram, registry, required };
}

export const ROOT = join(import.meta.dirname, '../../..');
export const eurekaJar = (): string => join(ROOT, 'deploy/eureka/target/eureka.jar');
