/** Connects a service with identity: to verify its callers, and to call other services as itself. */
import { type Balancer, createServiceClient, type Discovery, type ServiceClient } from '@daybook/discovery';
import type { HealthCheck } from '../observability/health.ts';
import type { Logger } from '../observability/logger.ts';
import {
  type AccessConfig,
  type CheckedAuthenticator,
  createAuthenticator,
  issuerOf,
  publicUrlOf,
} from './authenticator.ts';
import { createIdentityClient, IDENTITY, type IdentityClient } from './identity-client.ts';
import { readServiceKey, type ServiceWithKey } from './service-key.ts';
import { createServiceTokens } from './service-tokens.ts';

export interface IdentityOptions {
  /** The service that joins. */
  readonly name: string;
  readonly config: AccessConfig;
  readonly discovery: Discovery;
  readonly balancer: Balancer;
  readonly logger: Logger;
}

/** Identity loads its issuer at the first request for a token, which takes a second or two on a slow machine. */
const TIMES = { attemptTimeoutMillis: 4_500, deadlineMillis: 5_000 };

/** What a service has of identity. */
export interface JoinedIdentity {
  readonly client: IdentityClient;
  readonly authenticator: CheckedAuthenticator;
}

/**
 * Creates the authenticator of a service, with keys that discovery finds. It closes with `resources`.
 * @throws StartFailure 78, InvalidConfiguration
 */
export async function joinIdentity(
  { name, config, discovery, balancer, logger }: IdentityOptions,
  resources: AsyncDisposableStack,
): Promise<JoinedIdentity> {
  const serviceClient = createServiceClient({ serviceId: IDENTITY, discovery, balancer, logger, ...TIMES });
  resources.defer(() => serviceClient.close());
  const client = createIdentityClient(serviceClient);
  return {
    client,
    authenticator: await createAuthenticator({ audience: name, config, identity: client, logger }, resources),
  };
}

export interface AuthorizedClientsOptions {
  readonly name: ServiceWithKey;
  readonly config: AccessConfig & { readonly DAYBOOK_SERVICE_KEY?: string };
  readonly identity: Pick<IdentityClient, 'requestToken'>;
  /** The operations of each service that this one calls. */
  readonly operations: Readonly<Record<string, readonly string[]>>;
}

/** A client whose requests carry the token of the service. */
export type AuthorizedClient = Pick<ServiceClient, 'get'>;

export interface AuthorizedClients {
  /** Lets the client of another service prove which service calls. */
  authorize(service: string, client: AuthorizedClient): AuthorizedClient;
  /** Resolves when there is a token for each other service. */
  readonly checkTokens: HealthCheck;
}

/** @throws StartFailure 78 */
export async function createAuthorizedClients({
  name,
  config,
  identity,
  operations,
}: AuthorizedClientsOptions): Promise<AuthorizedClients> {
  const tokens = createServiceTokens({
    clientId: name,
    key: await readServiceKey(config, name),
    issuer: issuerOf(publicUrlOf(config)),
    identity,
    operations,
  });
  const authorize = (service: string, client: AuthorizedClient): AuthorizedClient => ({
    async get(path, options = {}) {
      const getWith = (authorization: string) =>
        client.get(path, { ...options, headers: { ...options.headers, authorization } });
      const authorization = await tokens.authorizationFor(service);
      const response = await getWith(authorization);
      if (response.status !== 401) return response;
      tokens.forget(service, authorization);
      return getWith(await tokens.authorizationFor(service));
    },
  });
  return {
    authorize,
    async checkTokens() {
      await Promise.all(Object.keys(operations).map((service) => tokens.authorizationFor(service)));
    },
  };
}
