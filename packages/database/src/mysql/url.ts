/** `mysql://USER:PASSWORD@HOST:PORT/DATABASE?connections=20&ssl-mode=verify-identity&ssl-ca=FILE` */
import { readFileSync } from 'node:fs';
import { DatabaseUnusable } from '../errors.ts';

/** MySQL's own names. `required` encrypts without verifying the server. */
const SSL_MODES = ['disabled', 'required', 'verify-ca', 'verify-identity'] as const;
type SslMode = (typeof SSL_MODES)[number];

const DEFAULT_CONNECTIONS = 20;
const MOST_CONNECTIONS = 1000;
const NAME = /^[\w$-]{1,64}$/;

export interface TlsOptions {
  readonly rejectUnauthorized: boolean;
  readonly verifyIdentity: boolean;
  readonly ca?: string;
}

export interface MysqlAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** The most connections of one process. */
  readonly connections: number;
  readonly ssl?: TlsOptions;
  /** For people, without credentials. */
  readonly display: string;
}

export const isMysqlUrl = (url: string): boolean => /^mysqls?:\/\//.test(url);

const invalidUrl = (what: string, options?: ErrorOptions) =>
  new DatabaseUnusable(`The URL of the MySQL database is not usable: ${what}`, options);

function sslModeOf({ protocol, searchParams }: URL): SslMode {
  const given = searchParams.get('ssl-mode');
  if (given === null) return protocol === 'mysqls:' || searchParams.has('ssl-ca') ? 'verify-identity' : 'disabled';
  const mode = SSL_MODES.find((known) => known === given.toLowerCase());
  if (!mode) throw invalidUrl(`ssl-mode is one of ${SSL_MODES.join(', ')}.`);
  if (protocol === 'mysqls:' && mode === 'disabled')
    throw invalidUrl('mysqls: and ssl-mode=disabled contradict each other.');
  return mode;
}

function tlsOf(url: URL): TlsOptions | undefined {
  const mode = sslModeOf(url);
  const file = url.searchParams.get('ssl-ca');
  if (mode === 'disabled') {
    if (file !== null) throw invalidUrl('ssl-ca and ssl-mode=disabled contradict each other.');
    return undefined;
  }
  return {
    rejectUnauthorized: mode !== 'required',
    verifyIdentity: mode === 'verify-identity',
    ...(file !== null && { ca: readCertificates(file) }),
  };
}

function readCertificates(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw invalidUrl(`the file ${file} of ssl-ca cannot be read.`, { cause: error });
  }
}

function connectionsOf(given: string | null): number {
  const connections = given === null ? DEFAULT_CONNECTIONS : Number(given);
  if (Number.isInteger(connections) && connections >= 2 && connections <= MOST_CONNECTIONS) return connections;
  throw invalidUrl(`connections is a number from 2 to ${MOST_CONNECTIONS}.`);
}

/**
 * Parses the URL of a database.
 * @throws DatabaseUnusable when the URL or a setting is invalid, because an ignored setting would be noticed too late
 */
export function parseMysqlUrl(text: string): MysqlAddress {
  if (!URL.canParse(text)) throw invalidUrl('it is not a URL.');
  const url = new URL(text);
  const database = decodeURIComponent(url.pathname.slice(1));
  if (!NAME.test(database)) throw invalidUrl('it has to end with /NAME, the name of a database.');
  const known = ['connections', 'ssl-mode', 'ssl-ca'];
  const unknown = [...url.searchParams.keys()].find((name) => !known.includes(name));
  if (unknown !== undefined) throw invalidUrl(`${unknown} is not one of ${known.join(', ')}.`);
  const ssl = tlsOf(url);
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? 3306 : Number(url.port),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database,
    connections: connectionsOf(url.searchParams.get('connections')),
    ...(ssl && { ssl }),
    display: `mysql://${url.host}/${database}`,
  };
}
