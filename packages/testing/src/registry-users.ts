/** The users of the registries that tests start. */
import {
  basicAuthorization,
  completeRegistryUsers,
  formatRegistryUsers,
  type RegistryUsers,
  withRegistryUser,
} from '@daybook/discovery';

/** The applications of the contract between our client and a server. Each test takes the next one. */
export const CONTRACT_APPLICATIONS = Array.from({ length: 40 }, (_, index) => `contract-${index + 1}`);

const OF_TESTS = [
  ...CONTRACT_APPLICATIONS,
  ...['spring-service', 'spring-gateway', 'netflix-client', 'killed-service', 'store-service'],
  ...['peer-a', 'peer-b', 'peer-c', 'peer-late', 'peer-last', 'peer-overridden'],
];

/** Users for our applications, for peers and operators, and for programs of the tests. */
export const registryUsers: RegistryUsers = new Map(
  [...completeRegistryUsers().keys(), ...OF_TESTS].map((name) => [name, `password-of-${name}`]),
);

/** The variable for a registry, ours or `deploy/eureka`, and for a launcher, which gives each service its own user. */
export const registryUsersVariable = {
  DAYBOOK_REGISTRY_USERS: formatRegistryUsers(registryUsers).trim().replaceAll('\n', ','),
};

/** Returns the base URL of a registry for an application. */
export const eurekaUrlOf = (application: string, url: string): string =>
  withRegistryUser(url, application, registryUsers);

export const authorizationOf = (user: string): { authorization: string } => ({
  authorization: basicAuthorization(user, registryUsers.get(user) ?? ''),
});

/** Returns the credentials for a request, of the application in its path. */
export const authorizationFor = (url: string): { authorization: string } =>
  authorizationOf((/\/apps\/([^/?]+)/.exec(url)?.[1] ?? '').toLowerCase());
