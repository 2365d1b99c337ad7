/** Creates the users of the registry, and passes each service its own user only. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  completeRegistryUsers,
  type Environment,
  formatRegistryUsers,
  isOwnUser,
  parseRegistryUsers,
  type RegistryUsers,
  withRegistryUser,
} from '@daybook/service';
import { replaceFile } from './data-folder.ts';
import type { ServiceName } from './services.ts';

/** Passwords. Only the user that runs Daybook may read them, and backups exclude them. */
const USERS_FILE = 'registry-users';

/**
 * Returns the users of a registry on the data folder: our own, created if missing, and the `given` ones.
 * The folder stores only our own, for services that join. A user that is no longer given is dropped.
 */
export async function prepareRegistryUsers(folder: string, given: string | undefined): Promise<RegistryUsers> {
  const configured = givenRegistryUsers(given);
  const before = formatRegistryUsers(await readRegistryUsers(folder));
  const users = completeRegistryUsers(new Map([...parseRegistryUsers(before), ...configured]));
  const own = new Map([...users].filter(([name]) => !configured.has(name) || isOwnUser(name)));
  const after = formatRegistryUsers(own);
  if (after !== before) await replaceFile(join(folder, USERS_FILE), after);
  return users;
}

/** Returns the users that a system on the data folder has created, or none. */
export async function readRegistryUsers(folder: string): Promise<RegistryUsers> {
  try {
    return parseRegistryUsers(await readFile(join(folder, USERS_FILE), 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return new Map();
    throw error;
  }
}

/**
 * Returns the users in a configuration. A foreign registry receives only these, because ours are for our own registry.
 */
export const givenRegistryUsers = (given: string | undefined): RegistryUsers => parseRegistryUsers(given ?? '');

const applicationOf = (service: ServiceName): string => `${service}-service`;

/** Returns base URLs with the user of a service, unless they name one. */
export const urlsFor = (service: ServiceName, urls: string, users: RegistryUsers): string =>
  withRegistryUser(urls, applicationOf(service), users);

/** Returns base URLs without credentials. */
export const withoutUsers = (urls: string): string => urls.replace(/(?<=:\/\/)[^/,@]*@/g, '');

/** Returns the environment with the configured registry URLs, which may have come from a file. */
export const withRegistryUrls = (environment: Environment, urls: string | undefined): Environment =>
  urls === undefined ? environment : { ...environment, EUREKA_URL: urls, EUREKA_URL_FILE: '' };

/** Returns the environment of a process. A registry receives all users, and every other service its own. */
export function withRegistryAccess(service: ServiceName, environment: Environment, users: RegistryUsers): Environment {
  const { EUREKA_URL } = environment;
  return {
    ...environment,
    DAYBOOK_REGISTRY_USERS: service === 'registry' ? formatRegistryUsers(users) : '',
    DAYBOOK_REGISTRY_USERS_FILE: '',
    ...(EUREKA_URL !== undefined && { EUREKA_URL: urlsFor(service, EUREKA_URL, users) }),
  };
}
