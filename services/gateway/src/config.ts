import {
  commonVariables,
  type Environment,
  publicUrlOf,
  readConfiguration,
  serviceKeyVariable,
} from '@daybook/service';
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
  DAYBOOK_IDENTITY_KEY: commonVariables.DAYBOOK_IDENTITY_KEY,
  ...serviceKeyVariable,
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

/** @throws InvalidConfiguration when a value is wrong, or tokens and cookies would be sent unencrypted */
export function readConfig(environment: Environment): GatewayConfig {
  const config = readConfiguration(schema, environment);
  publicUrlOf(config);
  return config;
}
