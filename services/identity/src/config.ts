import { OneOf } from '@daybook/contracts';
import {
  commonVariables,
  createParser,
  demoNotLocal,
  type Environment,
  InvalidConfiguration,
  isLocalOnly,
  publicUrlOf,
  readConfiguration,
} from '@daybook/service';
import { type Static, Type } from 'typebox';
import type { ForeignIssuerSettings } from './foreign/foreign-issuer.ts';
import { isSafeAddress } from './foreign/transport.ts';
import { ClientList, type ConfiguredClient } from './oidc/clients.ts';

const schema = Type.Object({
  ...commonVariables,
  DAYBOOK_IDENTITY_ROOT_KEY: Type.Optional(
    Type.String({
      description: 'The private root key: a JWK in base64url; made in the data folder without it',
    }),
  ),
  DAYBOOK_SEALING_KEY: Type.Optional(
    Type.String({ description: 'Seals secrets at rest: 32 bytes in base64url; made in the data folder without it' }),
  ),
  DAYBOOK_IDENTITY_CLIENTS: Type.Optional(
    Type.String({ description: 'The services and applications that get tokens, as JSON (see docs/identity.md)' }),
  ),
  DAYBOOK_SMTP_URL: Type.Optional(
    Type.String({ pattern: '^smtps?://[^\\s]+$', description: 'The mail server: `smtp://USER:PASSWORD@HOST:PORT`' }),
  ),
  DAYBOOK_MAIL_FROM: Type.Optional(Type.String({ format: 'email', description: 'The sender of mails' })),
  DAYBOOK_AUDIT_RETENTION_DAYS: Type.Integer({
    minimum: 30,
    maximum: 36_500,
    default: 3_650,
    description: 'How long entries of the audit trail are kept',
  }),
  DAYBOOK_TRUSTED_PROXIES: Type.Optional(
    Type.String({ format: 'network-list', description: 'Whose forwarding headers are believed, separated by commas' }),
  ),
  DAYBOOK_DEMO: OneOf(['on', 'off'], {
    default: 'off',
    description: 'Whether the accounts of the demo clinic sign in without a password; for this machine only',
  }),
  OIDC_ISSUER: Type.Optional(
    Type.String({ maxLength: 400, description: 'A foreign issuer of OpenID Connect that people sign in at' }),
  ),
  OIDC_CLIENT_ID: Type.Optional(Type.String({ maxLength: 400, description: 'The name of Daybook at that issuer' })),
  OIDC_CLIENT_SECRET: Type.Optional(Type.String({ description: 'The secret of Daybook at that issuer' })),
  OIDC_ROLE_CLAIM: Type.Optional(
    Type.String({
      maxLength: 200,
      description: 'The claim of its ID token with the role; `roles` without it; dots lead into objects',
    }),
  ),
});

/** The environment of this process, for its commands. A service gets that of its host. */
export const environment: Environment = process.env;

export type IdentityConfig = Static<typeof schema>;

const parseClients = createParser(ClientList);

/** @throws InvalidConfiguration, without the text, because it can hold secrets */
export function clientsOf({
  DAYBOOK_IDENTITY_CLIENTS: text,
}: Pick<IdentityConfig, 'DAYBOOK_IDENTITY_CLIENTS'>): ConfiguredClient[] {
  if (text === undefined) return [];
  try {
    const clients = parseClients(JSON.parse(text));
    if (new Set(clients.map(({ id }) => id)).size === clients.length) return clients;
  } catch {
    throw new InvalidConfiguration(['DAYBOOK_IDENTITY_CLIENTS is not a list of clients in JSON']);
  }
  throw new InvalidConfiguration(['DAYBOOK_IDENTITY_CLIENTS names a client twice']);
}

/**
 * Returns the mail server, if one is configured.
 * @throws InvalidConfiguration, without the address, because it can hold a password
 */
export function mailServerOf({
  DAYBOOK_SMTP_URL: url,
  DAYBOOK_MAIL_FROM: from,
}: Pick<IdentityConfig, 'DAYBOOK_SMTP_URL' | 'DAYBOOK_MAIL_FROM'>): { url: string; from: string } | undefined {
  if (url === undefined && from === undefined) return undefined;
  if (url !== undefined && from !== undefined && URL.canParse(url)) return { url, from };
  throw new InvalidConfiguration([
    'DAYBOOK_SMTP_URL and DAYBOOK_MAIL_FROM are needed together, as a URL and an address',
  ]);
}

const DEFAULT_ROLE_CLAIM = 'roles';

/**
 * Returns the foreign issuer, if one is configured.
 * @throws InvalidConfiguration, without the values, because one of them is a secret
 */
export function foreignIssuerOf(
  config: Pick<IdentityConfig, 'OIDC_ISSUER' | 'OIDC_CLIENT_ID' | 'OIDC_CLIENT_SECRET' | 'OIDC_ROLE_CLAIM'>,
): ForeignIssuerSettings | undefined {
  const { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: clientId, OIDC_CLIENT_SECRET: clientSecret } = config;
  const { OIDC_ROLE_CLAIM: roleClaim } = config;
  if (issuer === undefined) {
    if (clientId === undefined && clientSecret === undefined && roleClaim === undefined) return undefined;
    throw new InvalidConfiguration(['OIDC_CLIENT_ID, OIDC_CLIENT_SECRET and OIDC_ROLE_CLAIM need OIDC_ISSUER']);
  }
  const url = URL.parse(issuer);
  if (!url || !isSafeAddress(url) || url.search !== '' || url.hash !== '' || url.username !== '') {
    throw new InvalidConfiguration(['OIDC_ISSUER must be an https URL without query; http is for this machine only']);
  }
  if (clientId === undefined || clientSecret === undefined) {
    throw new InvalidConfiguration(['OIDC_ISSUER needs OIDC_CLIENT_ID and OIDC_CLIENT_SECRET']);
  }
  return { url, clientId, clientSecret, roleClaim: roleClaim ?? DEFAULT_ROLE_CLAIM };
}

/** Returns whether demo accounts may sign in. People of a foreign issuer sign in there only. */
export const mayHaveDemoAccounts = (config: IdentityConfig): boolean =>
  config.DAYBOOK_DEMO === 'on' && isLocalOnly(config) && config.OIDC_ISSUER === undefined;

/** @throws InvalidConfiguration */
export function readConfig(environment: Environment): IdentityConfig {
  const config = readConfiguration(schema, environment);
  publicUrlOf(config);
  clientsOf(config);
  mailServerOf(config);
  if (config.DAYBOOK_DEMO === 'on' && !isLocalOnly(config)) throw demoNotLocal();
  foreignIssuerOf(config);
  return config;
}
