/** The users of a registry: one for each application, one for its peers, one for operators. */
import { randomBytes } from 'node:crypto';

/** Passwords by user. */
export type RegistryUsers = ReadonlyMap<string, string>;

/** Other registries. They forward the registrations of any application. */
export const PEER_USER = 'peer';
/** People. They may set the status of any instance, and nothing else. */
export const OPERATOR_USER = 'operator';

/** Daybook's own applications, including planned ones. Only the user of that name may register as one of them. */
export const DAYBOOK_APPLICATIONS = [
  'patient-service',
  'doctor-service',
  'appointment-service',
  'notification-service',
  'gateway-service',
  'identity-service',
  'web-service',
  'registry-service',
] as const;

/**
 * Lower case, because our clients compare names that way. A password needs no escape in a URL, in YAML or in a shell.
 */
const USER = /^([a-z0-9][a-z0-9._-]{0,99}):([\w.~-]{16,200})$/;
const PASSWORD_BYTES = 24;

const entriesOf = (text: string): string[] => text.split(/[\s,]+/).filter((entry) => entry !== '');

/**
 * Returns whether a text is a list of `USER:PASSWORD`, separated by commas, blanks or line ends, with each user once.
 */
export function isRegistryUsers(text: string): boolean {
  const names = entriesOf(text).map((entry) => USER.exec(entry)?.[1]);
  return names.length > 0 && !names.includes(undefined) && new Set(names).size === names.length;
}

/** Parses a list that `isRegistryUsers` accepts. Other entries are ignored. */
export function parseRegistryUsers(text: string): RegistryUsers {
  const users = new Map<string, string>();
  for (const entry of entriesOf(text)) {
    const [, name, password] = USER.exec(entry) ?? [];
    if (name !== undefined && password !== undefined) users.set(name, password);
  }
  return users;
}

/** Formats users as `parseRegistryUsers` reads them, one a line. */
export const formatRegistryUsers = (users: RegistryUsers): string =>
  [...users].map(([name, password]) => `${name}:${password}\n`).join('');

const OWN_USERS: readonly string[] = [...DAYBOOK_APPLICATIONS, PEER_USER, OPERATOR_USER];

/** Returns whether a user belongs to Daybook and not to another application. */
export const isOwnUser = (name: string): boolean => OWN_USERS.includes(name);

/** Returns these users, and each missing Daybook user with a new password. */
export function completeRegistryUsers(users: RegistryUsers = new Map()): RegistryUsers {
  const complete = new Map(users);
  for (const name of OWN_USERS) {
    if (!complete.has(name)) complete.set(name, randomBytes(PASSWORD_BYTES).toString('base64url'));
  }
  return complete;
}

/**
 * Adds a user to each URL of a list that lacks one, as Spring's `defaultZone` accepts it. Unknown users change nothing.
 */
export function withRegistryUser(urls: string, user: string, users: RegistryUsers): string {
  const password = users.get(user);
  if (password === undefined) return urls;
  return urls
    .split(',')
    .map((url) => {
      const parsed = URL.parse(url);
      if (parsed?.username !== '') return url;
      return url.replace('://', `://${user}:${password}@`);
    })
    .join(',');
}

/** Returns the value of an `Authorization` header. */
export const basicAuthorization = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
