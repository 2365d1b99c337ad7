/**
 * The clients of the issuer, from the configuration: our own services, and applications of others. The operator names
 * them all, so none of them registers itself.
 */
import { createHash } from 'node:crypto';
import { accessOfCaller, accessOperations } from '@daybook/contracts';
import type { ClientMetadata } from 'oidc-provider';
import { type Static, Type } from 'typebox';
import { GATEWAY, TOKEN_EXCHANGE } from './session-exchange.ts';

const ClientId = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._~-]{0,99}$' });
const Coordinate = Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' });
/** A public key of ES256. Other members are rejected, because `d` would be the private key. */
const ClientKey = Type.Object(
  {
    kty: Type.Literal('EC'),
    crv: Type.Literal('P-256'),
    x: Coordinate,
    y: Coordinate,
    kid: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
    alg: Type.Optional(Type.Literal('ES256')),
    use: Type.Optional(Type.Literal('sig')),
  },
  { additionalProperties: false },
);
const Keys = Type.Array(ClientKey, { minItems: 1, maxItems: 5 });
const Uris = Type.Array(Type.String({ pattern: '^[a-z][a-z0-9+.-]*:[\\x21-\\x7e]+$', maxLength: 500 }), {
  minItems: 1,
  maxItems: 20,
});

/** One of our services, which signs its requests with its own key. */
const ServiceClient = Type.Object(
  { kind: Type.Literal('service'), id: ClientId, keys: Keys },
  { additionalProperties: false },
);

/** An application that people sign in to. One on a device has neither a key nor a secret. */
const ApplicationClient = Type.Object(
  {
    kind: Type.Literal('application'),
    id: ClientId,
    name: Type.String({ minLength: 1, maxLength: 100 }),
    redirectUris: Uris,
    postLogoutRedirectUris: Type.Optional(Uris),
    keys: Type.Optional(Keys),
    secret: Type.Optional(Type.String({ minLength: 32, maxLength: 200 })),
    onDevice: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);

export const ClientList = Type.Array(Type.Union([ServiceClient, ApplicationClient]), { maxItems: 200 });
export type ConfiguredClient = Static<typeof ClientList>[number];

/** Returns the thumbprint of a key (RFC 7638), which our services name in their assertions. */
const thumbprintOf = ({ kty, crv, x, y }: Static<typeof ClientKey>): string =>
  createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');

/** oidc-provider finds the key of an assertion by its id, so a key without one gets its thumbprint. */
const keySet = (keys: Static<typeof Keys>) => ({
  keys: keys.map((key) => ({ ...key, kid: key.kid ?? thumbprintOf(key), alg: 'ES256', use: 'sig' })),
});

/** How a client proves who it is: with a key, a secret, or by PKCE alone. */
function authenticationOf({
  keys,
  secret,
}: Pick<Static<typeof ApplicationClient>, 'keys' | 'secret'>): ClientMetadataPart {
  if (keys) return { token_endpoint_auth_method: 'private_key_jwt', jwks: keySet(keys) };
  if (secret !== undefined) return { token_endpoint_auth_method: 'client_secret_basic', client_secret: secret };
  return { token_endpoint_auth_method: 'none' };
}
type ClientMetadataPart = Omit<ClientMetadata, 'client_id'>;

/** Returns a client as oidc-provider describes it. */
export function metadataOf(client: ConfiguredClient): ClientMetadata {
  if (client.kind === 'service') {
    return {
      client_id: client.id,
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256',
      jwks: keySet(client.keys),
      grant_types: client.id === GATEWAY ? ['client_credentials', TOKEN_EXCHANGE] : ['client_credentials'],
      response_types: [],
      redirect_uris: [],
    };
  }
  return {
    client_id: client.id,
    client_name: client.name,
    application_type: client.onDevice ? 'native' : 'web',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    redirect_uris: client.redirectUris,
    ...(client.postLogoutRedirectUris && { post_logout_redirect_uris: client.postLogoutRedirectUris }),
    ...authenticationOf(client),
  };
}

/** Returns the operations that a service may name in its scope, by the access table. */
export const operationsOf = (serviceId: string): string[] =>
  accessOperations.filter((operation) => {
    const caller = { id: serviceId, role: 'service', patientIds: [], scope: [operation] } as const;
    return accessOfCaller(operation, caller).reach !== 'none';
  });
