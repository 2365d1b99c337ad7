import {
  commonVariables,
  createParser,
  type Environment,
  InvalidConfiguration,
  publicUrlOf,
  readConfiguration,
} from '@daybook/service';
import { type Static, Type } from 'typebox';
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

export function readConfig(environment: Environment): IdentityConfig {
  const config = readConfiguration(schema, environment);
  publicUrlOf(config);
  clientsOf(config);
  mailServerOf(config);
  return config;
}
