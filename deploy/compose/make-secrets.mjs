// make-secrets.mjs FOLDER: the passwords and keys of the compose system. Those that are not there yet are made; then each consumer
// gets what it needs in a folder of its own, which is a volume that no other container sees. Run at every start, so that a
// service that a new version brings has its user too.
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const SERVICES = ['patient', 'doctor', 'appointment', 'notification', 'identity'];
/** Those that call others, and prove to identity which service they are: SERVICES_WITH_KEYS of packages/service. */
const WITH_KEYS = ['gateway', 'appointment', 'notification'];
const ROOT = 'mysql-root';
const OPERATOR = 'rabbitmq-operator';
const SEALING_KEY = 'identity-sealing-key';
const ROOT_KEY = 'identity-root';
const brokerKeyOf = (service) => `rabbitmq-${service}`;
/** Each is a user of the registry; `peer` and `operator` are for other registries and for people. */
const REGISTERED = [...SERVICES, 'gateway'];
const registryUserOf = (service) => `${service}-service`;
const REGISTRY_USERS = [...REGISTERED.map(registryUserOf), 'peer', 'operator'];
const registryKeyOf = (user) => `registry-${user}`;

const [folder] = process.argv.slice(2);

/** Whole or not at all: who reads it never sees half of it. The volume is what keeps others from it. */
function write(name, text) {
  const file = join(folder, name);
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return;
  writeFileSync(`${file}.new`, text, { mode: 0o444 });
  renameSync(`${file}.new`, file);
}

/** In letters that mean the same in a URL, in SQL and in an option file. */
const newPassword = () => randomBytes(24).toString('base64url');

/** A private key of ES256. The variables take it in base64url. */
const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
const newSealingKey = () => randomBytes(32).toString('base64url');
const encode = (jwk) => Buffer.from(JSON.stringify(jwk)).toString('base64url');

/** The public half of a key as a key set lists it. Its id is the thumbprint of RFC 7638: the members in this order. */
function publicJwkOf({ kty, crv, x, y }) {
  const kid = createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
  return { kty, crv, x, y, kid, alg: 'ES256', use: 'sig' };
}

/** Returns what the file has, completed by what is wanted and missing. */
function completed(name, wanted, make) {
  const file = join(folder, name);
  const known = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  const missing = wanted.filter((one) => !known[one]);
  const all = { ...known, ...Object.fromEntries(missing.map((one) => [one, make()])) };
  write(name, `${JSON.stringify(all)}\n`);
  return all;
}

const passwords = () =>
  completed(
    'all/passwords.json',
    [ROOT, OPERATOR, ...SERVICES, ...SERVICES.map(brokerKeyOf), ...REGISTRY_USERS.map(registryKeyOf)],
    newPassword,
  );

/** What the migrations and the statements of a service need. The backslash keeps `_` from meaning any character. */
const RIGHTS = 'select, insert, update, delete, create, alter, drop, index, references';

/** The last line takes back what earlier versions granted. It comes last, because the service may be running. */
const databaseUser = (service, password) => `create database if not exists daybook_${service} character set utf8mb4;
create user if not exists '${service}'@'%' identified by '${password}';
alter user '${service}'@'%' identified by '${password}';
grant ${RIGHTS} on \`daybook\\_${service}\`.* to '${service}'@'%';
revoke if exists all on daybook_${service}.* from '${service}'@'%';
`;

/** As RabbitMQ stores a password. The salt follows from it, so that the same password makes the same file. */
function brokerHash(name, password) {
  const salt = createHash('sha256').update(`${name} ${password}`).digest().subarray(0, 4);
  const hash = createHash('sha256').update(salt).update(password).digest();
  return Buffer.concat([salt, hash]).toString('base64');
}

function brokerDefinitions(all) {
  const user = (name, key, tags) => ({
    name,
    password_hash: brokerHash(name, all[key]),
    hashing_algorithm: 'rabbit_password_hashing_sha256',
    tags,
  });
  const everything = { vhost: '/', configure: '.*', write: '.*', read: '.*' };
  return {
    vhosts: [{ name: '/' }],
    users: [
      ...SERVICES.map((service) => user(service, brokerKeyOf(service), [])),
      user('operator', OPERATOR, ['administrator']),
    ],
    permissions: [
      ...SERVICES.map((service) => ({ user: service, vhost: '/', ...brokerRights(service) })),
      { user: 'operator', ...everything },
    ],
  };
}

/** As `rightsOf` of packages/messaging, which a test compares. */
function brokerRights(service) {
  const own = `daybook\\.${service}\\..+`;
  const shared = 'daybook\\.events|daybook\\.dead-letters';
  return {
    configure: `^(${shared}|daybook\\.unreadable|${own})$`,
    write: '^daybook\\..+$',
    read: `^(${shared}|${own})$`,
  };
}

const all = passwords();
const keys = completed('all/keys.json', [ROOT_KEY, ...WITH_KEYS], newKey);
const { [SEALING_KEY]: sealingKey } = completed('all/sealing-key.json', [SEALING_KEY], newSealingKey);
const clients = WITH_KEYS.map((service) => ({
  kind: 'service',
  id: `${service}-service`,
  keys: [publicJwkOf(keys[service])],
}));
write('mysql/root-password', all[ROOT]);
write('mysql/client.cnf', `[client]\nhost=mysql\nuser=root\npassword=${all[ROOT]}\n`);
write('mysql/users.sql', SERVICES.map((service) => databaseUser(service, all[service])).join(''));
write('rabbitmq/definitions.json', JSON.stringify(brokerDefinitions(all)));
write('consoles/rabbitmq-password', `${all[OPERATOR]}\n`);
write('consoles/registry-password', `${all[registryKeyOf('operator')]}\n`);
write('eureka/registry-users', REGISTRY_USERS.map((user) => `${user}:${all[registryKeyOf(user)]}\n`).join(''));
for (const service of REGISTERED) {
  const user = registryUserOf(service);
  write(`${service}/eureka-url`, `http://${user}:${all[registryKeyOf(user)]}@eureka:8761/eureka\n`);
  write(`${service}/identity-key`, `${encode(publicJwkOf(keys[ROOT_KEY]))}\n`);
}
for (const service of WITH_KEYS) write(`${service}/service-key`, `${encode(keys[service])}\n`);
write('identity/root-key', `${encode(keys[ROOT_KEY])}\n`);
write('identity/sealing-key', `${sealingKey}\n`);
write('identity/clients', `${JSON.stringify(clients)}\n`);
for (const service of SERVICES) {
  write(`${service}/database-url`, `mysql://${service}:${all[service]}@mysql:3306/daybook_${service}\n`);
  write(`${service}/amqp-url`, `amqp://${service}:${all[brokerKeyOf(service)]}@rabbitmq:5672\n`);
}
