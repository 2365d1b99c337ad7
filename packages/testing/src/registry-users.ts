/** The users of the registries that tests start by themselves. */
import {
  basicAuthorization,
  completeRegistryUsers,
  formatRegistryUsers,
  type RegistryUsers,
  withRegistryUser,
} from '@daybook/discovery';

/** Applications of the contract between our client and a server: each of its tests takes the next one. */
export const CONTRACT_APPLICATIONS = Array.from({ length: 40 }, (_, index) => `contract-${index + 1}`);

const OF_TESTS = [
  ...CONTRACT_APPLICATIONS,
  ...['spring-service', 'spring-gateway', 'netflix-client', 'killed-service', 'store-service'],
  ...['peer-a', 'peer-b', 'peer-c', 'peer-late', 'peer-last', 'peer-overridden'],
];

/** Of our applications, of peers and operators, and of programs that only tests have. */
export const registryUsers: RegistryUsers = new Map(
  [...completeRegistryUsers().keys(), ...OF_TESTS].map((name) => [name, `password-of-${name}`]),
);

/** For the environment of a registry, ours or `deploy/eureka`, and of a launcher, which gives each service its own. */
export const registryUsersVariable = {
  DAYBOOK_REGISTRY_USERS: formatRegistryUsers(registryUsers).trim().replaceAll('\n', ','),
};

/** Returns the base URL of a registry for an application. */
export const eurekaUrlOf = (application: string, url: string): string =>
  withRegistryUser(url, application, registryUsers);

export const authorizationOf = (user: string): { authorization: string } => ({
  authorization: basicAuthorization(user, registryUsers.get(user) ?? ''),
});

/** Returns the credentials for a call, of the application in its path. */
export const authorizationFor = (url: string): { authorization: string } =>
  authorizationOf((/\/apps\/([^/?]+)/.exec(url)?.[1] ?? '').toLowerCase());
