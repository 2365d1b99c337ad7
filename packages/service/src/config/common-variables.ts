/** The variables of every service. */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { OneOf } from '@daybook/contracts';
import { Type } from 'typebox';

/** For a registry, and for a launcher that starts one. A service has its own password in `EUREKA_URL`. */
export const registryVariables = {
  DAYBOOK_REGISTRY_USERS: Type.Optional(
    Type.String({
      format: 'registry-users',
      description:
        'The users of the registry, `USER:PASSWORD` separated by commas: one for each application, `peer`, `operator`',
    }),
  ),
};

export const commonVariables = {
  DAYBOOK_HOST: Type.String({ default: '127.0.0.1', description: 'The address to listen on' }),
  DAYBOOK_SERVICE_PORT: Type.Integer({ minimum: 0, maximum: 65_535, default: 0, description: '0 takes a free one' }),
  DAYBOOK_OPERATIONS_PORT: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 65_535,
      description:
        'Serves /metrics, /info and /admin/routes, which the other port serves to this machine only without it',
    }),
  ),
  DAYBOOK_ADVERTISED_HOST: Type.Optional(
    Type.String({
      format: 'host-name',
      description: 'The address that callers dial, where it is not the one to listen on',
    }),
  ),
  DAYBOOK_PUBLIC_URL: Type.Optional(
    Type.String({
      format: 'http-origin',
      description: 'The address by which people reach the gateway: `https://daybook.example.org`',
    }),
  ),
  DAYBOOK_IDENTITY_KEY: Type.Optional(
    Type.String({
      description: 'The public root key of identity, by which tokens are believed; that of the data folder without it',
    }),
  ),
  DAYBOOK_PUBLIC_PAGE: OneOf(['on', 'off'], {
    default: 'off',
    description: 'Whether anybody may read doctors, appointment types and free times',
  }),
  DAYBOOK_ZONE: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z0-9._-]{1,100}$',
      description: 'The zone of this process; callers prefer instances in their own zone',
    }),
  ),
  DAYBOOK_WEIGHT: Type.Integer({
    minimum: 1,
    maximum: 100,
    default: 1,
    description: 'The share of requests that this instance gets',
  }),
  DAYBOOK_DATA: Type.String({ default: './data', description: 'The folder of the embedded databases' }),
  DATABASE_URL: Type.Optional(
    Type.String({
      pattern: '^(sqlite:|mysqls?://).+',
      description: 'The database of this service: `sqlite:PATH` or `mysql://…/NAME`',
    }),
  ),
  DAYBOOK_MYSQL_URL: Type.Optional(
    Type.String({
      pattern: '^mysqls?://[^/]+(/[\\w$-]*)?(\\?.*)?$',
      description: 'A MySQL server with a database for each service: `daybook_patient`, or `NAME_patient` for `…/NAME`',
    }),
  ),
  AMQP_URL: Type.Optional(
    Type.String({ format: 'amqp-url', description: 'RabbitMQ: `amqp://USER:PASSWORD@HOST:PORT/VHOST`' }),
  ),
  EUREKA_URL: Type.Optional(
    Type.String({
      format: 'http-url-list',
      description: 'Registries, separated by commas: `http://USER:PASSWORD@HOST/eureka`',
    }),
  ),
  DAYBOOK_DIAL_NETWORKS: Type.Optional(
    Type.String({
      format: 'network-list',
      description: 'The only networks in which instances are called, separated by commas',
    }),
  ),
};

/** The variable of a service that calls others. */
export const serviceKeyVariable = {
  DAYBOOK_SERVICE_KEY: Type.Optional(
    Type.String({ description: 'The private JWK of this service in base64url; made in the data folder without it' }),
  ),
};

/** The variables of a process, regardless of its services. */
export const processVariables = {
  LOG_LEVEL: OneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
    default: 'info',
    description: "Pino's levels",
  }),
  DAYBOOK_LOG_FORMAT: Type.Optional(
    OneOf(['json', 'pretty'], { description: 'Text for people instead of JSON; the default on a terminal' }),
  ),
};

/** Where a service listens, and the address that others use. */
export interface ListenOn {
  readonly host: string;
  readonly port: number;
  /** The variable that sets the port, for the error message when the port is in use. */
  readonly variable: string;
  /** The port of `/metrics` and `/info`. If undefined, they share the main port and only this machine can read them. */
  readonly operationsPort?: number | undefined;
  /** The host that the registry gives to callers. */
  readonly advertisedHost: string;
  /** The public address of the gateway, which may forward its host. */
  readonly publicUrl?: string | undefined;
  /** Whether the port speaks TLS. */
  readonly secure?: boolean;
  /** The metadata for balancers. */
  readonly preferences: Readonly<Record<string, string>>;
}

const EVERYWHERE = ['0.0.0.0', '::'];

/**
 * Returns the advertised host. A service that listens on every address advertises the machine's name, unless another is
 * configured.
 */
export const advertisedHostOf = (config: { DAYBOOK_HOST: string; DAYBOOK_ADVERTISED_HOST?: string }): string =>
  config.DAYBOOK_ADVERTISED_HOST ?? (EVERYWHERE.includes(config.DAYBOOK_HOST) ? hostname() : config.DAYBOOK_HOST);

interface PreferencesConfig {
  DAYBOOK_ZONE?: string;
  DAYBOOK_WEIGHT?: number;
}

/** Returns the metadata of Eureka that Daybook's and Spring's balancers read. */
export const preferencesOf = ({ DAYBOOK_ZONE: zone, DAYBOOK_WEIGHT: weight = 1 }: PreferencesConfig) => ({
  ...(zone !== undefined && { zone }),
  ...(weight !== 1 && { weight: String(weight) }),
});

export const listenOnOf = (
  config: PreferencesConfig & {
    DAYBOOK_HOST: string;
    DAYBOOK_SERVICE_PORT: number;
    DAYBOOK_OPERATIONS_PORT?: number;
    DAYBOOK_ADVERTISED_HOST?: string;
    DAYBOOK_PUBLIC_URL?: string;
  },
): ListenOn => ({
  host: config.DAYBOOK_HOST,
  port: config.DAYBOOK_SERVICE_PORT,
  variable: 'DAYBOOK_SERVICE_PORT',
  operationsPort: config.DAYBOOK_OPERATIONS_PORT,
  advertisedHost: advertisedHostOf(config),
  publicUrl: config.DAYBOOK_PUBLIC_URL,
  preferences: preferencesOf(config),
});

interface DatabaseConfig {
  DATABASE_URL?: string;
  DAYBOOK_MYSQL_URL?: string;
  DAYBOOK_DATA: string;
}

/**
 * Returns the URL of a service's database. It is the configured one, one on the configured server, or a file in the
 * data folder.
 */
export function databaseUrlOf(config: DatabaseConfig, name: string): string {
  if (config.DATABASE_URL !== undefined) return config.DATABASE_URL;
  if (config.DAYBOOK_MYSQL_URL === undefined) return `sqlite:${join(config.DAYBOOK_DATA, `${name}.sqlite`)}`;
  const url = new URL(config.DAYBOOK_MYSQL_URL);
  url.pathname = `/${url.pathname.slice(1) || 'daybook'}_${name}`;
  return url.href;
}
