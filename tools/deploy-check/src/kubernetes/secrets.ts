/** Creates the passwords of overlays/local once, in files that git ignores and kustomize turns into Secrets. */
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const WITH_DATABASE = ['patient', 'doctor', 'appointment', 'notification'] as const;

/** Each registers as its own user; `peer` and `operator` are for other registries and for people. */
const REGISTERED = [...WITH_DATABASE, 'gateway'] as const;

const password = (): string => randomBytes(24).toString('base64url');

/** Grants each service everything in its own database and nothing elsewhere. The server runs it at every start. */
const databaseOf = (service: string, secret: string): string =>
  [
    `CREATE DATABASE IF NOT EXISTS daybook_${service} CHARACTER SET utf8mb4;`,
    `CREATE USER IF NOT EXISTS '${service}'@'%' IDENTIFIED BY '${secret}';`,
    `GRANT ALL ON daybook_${service}.* TO '${service}'@'%';`,
    '',
  ].join('\n');

const rootOf = (secret: string): string => `ALTER USER 'root'@'localhost' IDENTIFIED BY '${secret}';\n`;

const brokerUser = (secret: string): string => `default_user = daybook\ndefault_pass = ${secret}\n`;

function contents(): ReadonlyMap<string, string> {
  const broker = password();
  const registered = REGISTERED.map((service) => ({ service, user: `${service}-service`, secret: password() }));
  const others = ['peer', 'operator'].map((user) => ({ user, secret: password() }));
  const services = WITH_DATABASE.map((service) => ({ service, secret: password() }));
  return new Map([
    [
      'mysql-databases.sql',
      [rootOf(password()), ...services.map(({ service, secret }) => databaseOf(service, secret))].join(''),
    ],
    ['rabbitmq-user.conf', brokerUser(broker)],
    ['rabbitmq-url', `amqp://daybook:${broker}@rabbitmq:5672`],
    ['registry-users', [...registered, ...others].map(({ user, secret }) => `${user}:${secret}\n`).join('')],
    ...registered.map(
      ({ service, user, secret }) =>
        [`${service}-registry-url`, `http://${user}:${secret}@eureka:8761/eureka`] as const,
    ),
    ...services.map(
      ({ service, secret }) =>
        [`${service}-database-url`, `mysql://${service}:${secret}@mysql:3306/daybook_${service}`] as const,
    ),
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
  for (const [name, content] of contents()) await writeFile(join(folder, name), content, { mode: 0o600 });
  return true;
}
