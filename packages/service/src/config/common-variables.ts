/** The variables that every service knows. */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { OneOf } from '@daybook/contracts';
import { Type } from 'typebox';

/** Of a registry, and of a launcher that starts one; a service has its own password in `EUREKA_URL`. */
export const registryVariables = {
  DAYBOOK_REGISTRY_USERS: Type.Optional(
    Type.String({
      format: 'registry-users',
      description:
        'Those who may write to the registry, `USER:PASSWORD` separated by commas: one for each application, `peer`, `operator`',
    }),
  ),
};

export const commonVariables = {
  DAYBOOK_HOST: Type.String({ default: '127.0.0.1', description: 'Where to listen' }),
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
    Type.String({ format: 'host-name', description: 'What callers dial, where it is not what is listened on' }),
  ),
  DAYBOOK_PUBLIC_URL: Type.Optional(
    Type.String({
      format: 'http-origin',
      description: 'The address by which people reach the gateway: `https://daybook.example.org`',
    }),
  ),
  DAYBOOK_ZONE: Type.Optional(
    Type.String({ pattern: '^[A-Za-z0-9._-]{1,100}$', description: 'Where this runs; callers ask who is near first' }),
  ),
  DAYBOOK_WEIGHT: Type.Integer({ minimum: 1, maximum: 100, default: 1, description: 'The share of requests it takes' }),
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

/** The variable of a process, whatever services are in it. */
export const processVariables = {
  LOG_LEVEL: OneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
    default: 'info',
    description: "Pino's levels",
  }),
};

/** Where a service listens, and how others reach it there. */
export interface ListenOn {
  readonly host: string;
  readonly port: number;
  /** Names the variable that moves the port, for whoever finds it taken. */
  readonly variable: string;
  /** The port of `/metrics` and `/info`; undefined for the same one, to which only this machine has access then. */
  readonly operationsPort?: number | undefined;
  /** What the registry tells callers to dial. */
  readonly advertisedHost: string;
  /** The address by which people reach the gateway, which may forward its host. */
  readonly publicUrl?: string | undefined;
  /** Whether TLS is spoken there. */
  readonly secure?: boolean;
  /** What it tells those who choose among instances. */
  readonly preferences: Readonly<Record<string, string>>;
}

const EVERYWHERE = ['0.0.0.0', '::'];

/** Who listens on every address is dialled by the name of the machine, unless another name is given. */
export const advertisedHostOf = (config: { DAYBOOK_HOST: string; DAYBOOK_ADVERTISED_HOST?: string }): string =>
  config.DAYBOOK_ADVERTISED_HOST ?? (EVERYWHERE.includes(config.DAYBOOK_HOST) ? hostname() : config.DAYBOOK_HOST);

interface PreferencesConfig {
  DAYBOOK_ZONE?: string;
  DAYBOOK_WEIGHT?: number;
}

/** The metadata of Eureka that balancers of ours and of Spring's read. */
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

/** The database of a service: the one that is named, one on the server that is named, or a file in the data folder. */
export function databaseUrlOf(config: DatabaseConfig, name: string): string {
  if (config.DATABASE_URL !== undefined) return config.DATABASE_URL;
  if (config.DAYBOOK_MYSQL_URL === undefined) return `sqlite:${join(config.DAYBOOK_DATA, `${name}.sqlite`)}`;
  const url = new URL(config.DAYBOOK_MYSQL_URL);
  url.pathname = `/${url.pathname.slice(1) || 'daybook'}_${name}`;
  return url.href;
}
