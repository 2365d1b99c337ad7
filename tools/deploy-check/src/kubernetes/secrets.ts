/**
 * Creates passwords and keys once: those of overlays/local, in files that git ignores and kustomize turns into Secrets,
 * or those of an installation, in a folder of the operator.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatIdentityKey, generatePrivateJwk, type PrivateJwk, publicJwkOf } from '@daybook/access';
import { rightsOf } from '@daybook/messaging/rabbitmq';
import { SERVICES_WITH_KEYS } from '@daybook/service';

const WITH_DATABASE = ['identity', 'patient', 'doctor', 'appointment', 'notification'] as const;

/** Each registers as its own user; `peer` and `operator` are for other registries and for people. */
const REGISTERED = [...WITH_DATABASE, 'gateway'] as const;

const SEALING_KEY_BYTES = 32;

const password = (): string => randomBytes(24).toString('base64url');

/** What the migrations and the statements of a service need. */
const DATABASE_RIGHTS = 'SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES';

/**
 * Grants each service what it needs in its own database, and nothing elsewhere. The server runs it at every start. The
 * backslash keeps `_` from meaning any character.
 */
const databaseOf = (service: string, secret: string): string =>
  [
    `CREATE DATABASE IF NOT EXISTS daybook_${service} CHARACTER SET utf8mb4;`,
    `CREATE USER IF NOT EXISTS '${service}'@'%' IDENTIFIED BY '${secret}';`,
    `GRANT ${DATABASE_RIGHTS} ON \`daybook\\_${service}\`.* TO '${service}'@'%';`,
    '',
  ].join('\n');

const rootOf = (secret: string): string => `ALTER USER 'root'@'localhost' IDENTIFIED BY '${secret}';\n`;

/** Returns a password as RabbitMQ stores it. */
function brokerHash(secret: string): string {
  const salt = randomBytes(4);
  const hash = createHash('sha256').update(salt).update(secret).digest();
  return Buffer.concat([salt, hash]).toString('base64');
}

interface Account {
  readonly service: string;
  readonly secret: string;
}

const brokerDefinitions = (accounts: readonly Account[]): string =>
  JSON.stringify({
    vhosts: [{ name: '/' }],
    users: accounts.map(({ service, secret }) => ({
      name: service,
      password_hash: brokerHash(secret),
      hashing_algorithm: 'rabbit_password_hashing_sha256',
      tags: [],
    })),
    permissions: accounts.map(({ service }) => ({ user: service, vhost: '/', ...rightsOf(service) })),
  });

const encode = (jwk: PrivateJwk): string => Buffer.from(JSON.stringify(jwk)).toString('base64url');

/** Returns the keys of identity, and of the services that prove to identity which service they are. */
async function keys(): Promise<readonly (readonly [string, string])[]> {
  const root = await generatePrivateJwk();
  const own = await Promise.all(SERVICES_WITH_KEYS.map(async (id) => ({ id, jwk: await generatePrivateJwk() })));
  const clients = own.map(async ({ id, jwk }) => ({ kind: 'service', id, keys: [await publicJwkOf(jwk)] }));
  return [
    ['settings.env', `DAYBOOK_IDENTITY_KEY=${await formatIdentityKey(root)}\n`],
    ['identity-root-key', encode(root)],
    ['identity-sealing-key', randomBytes(SEALING_KEY_BYTES).toString('base64url')],
    ['identity-clients', JSON.stringify(await Promise.all(clients))],
    ...own.map(({ id, jwk }) => [`${id}-key`, encode(jwk)] as const),
  ];
}

async function contents(): Promise<ReadonlyMap<string, string>> {
  const registered = REGISTERED.map((service) => ({ service, user: `${service}-service`, secret: password() }));
  const others = ['peer', 'operator'].map((user) => ({ user, secret: password() }));
  const accountsOf = (): Account[] => WITH_DATABASE.map((service) => ({ service, secret: password() }));
  const [databaseAccounts, brokerAccounts] = [accountsOf(), accountsOf()];
  return new Map([
    [
      'mysql-databases.sql',
      [rootOf(password()), ...databaseAccounts.map(({ service, secret }) => databaseOf(service, secret))].join(''),
    ],
    ['rabbitmq-definitions.json', brokerDefinitions(brokerAccounts)],
    ['registry-users', [...registered, ...others].map(({ user, secret }) => `${user}:${secret}\n`).join('')],
    ...registered.map(
      ({ service, user, secret }) =>
        [`${service}-registry-url`, `http://${user}:${secret}@eureka:8761/eureka`] as const,
    ),
    ...databaseAccounts.map(
      ({ service, secret }) =>
        [`${service}-database-url`, `mysql://${service}:${secret}@mysql:3306/daybook_${service}`] as const,
    ),
    ...brokerAccounts.map(
      ({ service, secret }) => [`${service}-rabbitmq-url`, `amqp://${service}:${secret}@rabbitmq:5672`] as const,
    ),
    ...(await keys()),
  ]);
}

/** Creates missing secrets and returns whether it did. Existing ones are kept, because the servers use them. */
export async function makeSecrets(folder: string): Promise<boolean> {
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
  for (const [name, content] of await contents()) await writeFile(join(folder, name), content, { mode: 0o600 });
  return true;
}
