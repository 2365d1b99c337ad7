// make-secrets.mjs FOLDER: the passwords of the compose system. Those that are not there yet are made; then each consumer
// gets what it needs in a folder of its own, which is a volume that no other container sees. Run at every start, so that a
// service that a new version brings has its user too.
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const SERVICES = ['patient', 'doctor', 'appointment', 'notification'];
const ROOT = 'mysql-root';
const OPERATOR = 'rabbitmq-operator';
const BROKER_USER = 'rabbitmq-daybook';
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

function passwords() {
  const file = join(folder, 'all/passwords.json');
  const known = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  const wanted = [ROOT, OPERATOR, BROKER_USER, ...SERVICES, ...REGISTRY_USERS.map(registryKeyOf)];
  const all = {
    ...known,
    ...Object.fromEntries(wanted.filter((name) => !known[name]).map((name) => [name, newPassword()])),
  };
  write('all/passwords.json', `${JSON.stringify(all)}\n`);
  return all;
}

const databaseUser = (service, password) => `create database if not exists daybook_${service} character set utf8mb4;
create user if not exists '${service}'@'%' identified by '${password}';
alter user '${service}'@'%' identified by '${password}';
grant all on daybook_${service}.* to '${service}'@'%';
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
    users: [user('daybook', BROKER_USER, []), user('operator', OPERATOR, ['administrator'])],
    permissions: ['daybook', 'operator'].map((name) => ({ user: name, ...everything })),
  };
}

const all = passwords();
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
}
for (const service of SERVICES) {
  write(`${service}/database-url`, `mysql://${service}:${all[service]}@mysql:3306/daybook_${service}\n`);
  write(`${service}/amqp-url`, `amqp://daybook:${all[BROKER_USER]}@rabbitmq:5672\n`);
}
