/** `npm run torture`: what it is told by the environment. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EXIT, StartFailure } from '@daybook/service';

const run = promisify(execFile);
const DEFAULT_SECONDS = 120;
const MOST_SECONDS = 24 * 3600;
const MOST_SEED = 2 ** 31 - 1;

export interface TortureConfig {
  readonly seconds: number;
  readonly seed: number;
  /** The program of the database server. */
  readonly databaseProgram: string;
  /** `ours` is the registry of the system itself; `java` the jar of `deploy/eureka`. */
  readonly registry: 'ours' | 'java';
  /** What may not be left out where the machine lacks something for it. */
  readonly required: readonly string[];
}

const failed = (code: number, text: string) => new StartFailure(code, text);

function wholeNumber(name: string, byDefault: number, most: number): number {
  const text = process.env[name] || String(byDefault);
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= most) return value;
  throw failed(EXIT.configuration, `Wrong configuration: ${name} has to be a whole number from 1 to ${most}.`);
}

async function onPath(program: string): Promise<boolean> {
  try {
    await run('sh', ['-c', `command -v "$1"`, 'sh', program]);
    return true;
  } catch {
    return false;
  }
}

async function findDatabaseProgram(): Promise<string> {
  const given = process.env.DAYBOOK_TORTURE_MYSQLD;
  if (given) {
    if (await onPath(given)) return given;
    throw failed(EXIT.unavailable, `DAYBOOK_TORTURE_MYSQLD names ${given}, which is no program here.`);
  }
  // Debian has its servers where only root looks.
  for (const program of ['mariadbd', '/usr/sbin/mariadbd', 'mysqld', '/usr/sbin/mysqld']) {
    if (await onPath(program)) return program;
  }
  throw failed(
    EXIT.unavailable,
    'Torture needs a database server that it may kill, and there is none here: apt-get install mariadb-server, or DAYBOOK_TORTURE_MYSQLD=PROGRAM.',
  );
}

const RABBITMQ = '/usr/lib/rabbitmq/bin/rabbitmq-server';

/** @throws StartFailure 69 where something is missing, 78 where a variable is wrong */
export async function readTortureConfig(): Promise<TortureConfig> {
  if (process.platform !== 'linux') {
    throw failed(EXIT.unavailable, 'Torture needs Linux: it uses more than one address of loopback.');
  }
  const seconds = wholeNumber('DAYBOOK_TORTURE_SECONDS', DEFAULT_SECONDS, MOST_SECONDS);
  const seed = wholeNumber('DAYBOOK_TORTURE_SEED', 1 + Math.floor(Math.random() * MOST_SEED), MOST_SEED);
  const registry = process.env.DAYBOOK_TORTURE_EUREKA || 'ours';
  if (registry !== 'ours' && registry !== 'java') {
    throw failed(EXIT.configuration, 'Wrong configuration: DAYBOOK_TORTURE_EUREKA has to be ours or java.');
  }
  const databaseProgram = await findDatabaseProgram();
  if (!existsSync(RABBITMQ)) {
    throw failed(
      EXIT.unavailable,
      'Torture needs a RabbitMQ that it may kill, and there is none here: apt-get install rabbitmq-server.',
    );
  }
  if (registry === 'java' && !existsSync(eurekaJar())) {
    throw failed(EXIT.unavailable, `DAYBOOK_TORTURE_EUREKA=java needs ${eurekaJar()}: see deploy/eureka.`);
  }
  const required = (process.env.DAYBOOK_TORTURE_REQUIRE ?? '').split(',').map((name) => name.trim());
  return { seconds, seed, databaseProgram, registry, required };
}

export const ROOT = join(import.meta.dirname, '../../..');
export const eurekaJar = (): string => join(ROOT, 'deploy/eureka/target/eureka.jar');
