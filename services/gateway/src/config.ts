import { commonVariables, type Environment, InvalidConfiguration, readConfiguration } from '@daybook/service';
import { type Static, Type } from 'typebox';

const schema = Type.Object({
  DAYBOOK_HOST: commonVariables.DAYBOOK_HOST,
  DAYBOOK_PORT: Type.Integer({ minimum: 0, maximum: 65_535, default: 8080, description: 'The port of the gateway' }),
  DAYBOOK_OPERATIONS_PORT: commonVariables.DAYBOOK_OPERATIONS_PORT,
  DAYBOOK_PUBLIC_URL: commonVariables.DAYBOOK_PUBLIC_URL,
  DAYBOOK_ADVERTISED_HOST: commonVariables.DAYBOOK_ADVERTISED_HOST,
  DAYBOOK_ZONE: commonVariables.DAYBOOK_ZONE,
  DAYBOOK_WEIGHT: commonVariables.DAYBOOK_WEIGHT,
  EUREKA_URL: commonVariables.EUREKA_URL,
  DAYBOOK_DATA: Type.String({ default: './data', description: 'The folder of the keys that are not configured' }),
  DAYBOOK_IDENTITY_KEY: Type.Optional(
    Type.String({
      description: 'The public root key of identity, by which tokens are believed; that of the data folder without it',
    }),
  ),
  DAYBOOK_SERVICE_KEY: Type.Optional(
    Type.String({ description: 'The private JWK of this service in base64url; made in the data folder without it' }),
  ),
  DAYBOOK_DIAL_NETWORKS: commonVariables.DAYBOOK_DIAL_NETWORKS,
  DAYBOOK_ROUTES: Type.Optional(Type.String({ description: 'The routes file, instead of our own' })),
  DAYBOOK_TLS_CERTIFICATE: Type.Optional(
    Type.String({ description: 'The certificate, a file in PEM; with it, the gateway uses HTTPS' }),
  ),
  DAYBOOK_TLS_KEY: Type.Optional(Type.String({ description: 'The key of that certificate, a file in PEM' })),
  DAYBOOK_TLS_CLIENT_CA: Type.Optional(
    Type.String({ description: 'Clients need a certificate of this authority, a file in PEM' }),
  ),
  DAYBOOK_TRUSTED_PROXIES: Type.Optional(
    Type.String({
      format: 'network-list',
      description: 'The proxies whose forwarding headers are used, separated by commas',
    }),
  ),
});

export type GatewayConfig = Static<typeof schema>;

const DEFAULT_PUBLIC_URL = 'http://127.0.0.1:8080';
const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/**
 * Returns the address by which people reach the gateway.
 * @throws InvalidConfiguration when tokens and cookies would be sent unencrypted
 */
export function publicUrlOf({
  DAYBOOK_PUBLIC_URL = DEFAULT_PUBLIC_URL,
}: Pick<GatewayConfig, 'DAYBOOK_PUBLIC_URL'>): URL {
  const url = new URL(DAYBOOK_PUBLIC_URL);
  if (url.protocol === 'https:' || LOOPBACK.test(url.hostname)) return url;
  throw new InvalidConfiguration(['DAYBOOK_PUBLIC_URL must be https, because people send passwords to it']);
}

/** @throws InvalidConfiguration */
export function readConfig(environment: Environment): GatewayConfig {
  const config = readConfiguration(schema, environment);
  publicUrlOf(config);
  return config;
}
