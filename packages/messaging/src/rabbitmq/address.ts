/** Parses `AMQP_URL`. Errors never quote it, because it may hold a password. */
import { readFileSync } from 'node:fs';
import type { Options, SocketOptions } from 'amqplib';

/** A silent peer is detected within twice this time. */
const HEARTBEAT_SECONDS = 10;
const MOST_HEARTBEAT_SECONDS = 3600;

export interface BrokerAddress {
  readonly connect: Options.Connect;
  readonly tls: Pick<SocketOptions, 'ca' | 'cert' | 'key'>;
  /** For logs: host, port and virtual host. */
  readonly display: string;
}

/** The supported options of RabbitMQ's URIs. */
const FILES = { cacertfile: 'ca', certfile: 'cert', keyfile: 'key' } as const;
const isFileOption = (name: string): name is keyof typeof FILES => Object.hasOwn(FILES, name);

export class InvalidBrokerUrl extends Error {
  constructor(fault: string) {
    super(fault);
    this.name = 'InvalidBrokerUrl';
  }
}

function decoded(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new InvalidBrokerUrl(`has a ${what} that is not percent-encoded as it should be`);
  }
}

function readFileOption(name: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    throw new InvalidBrokerUrl(`names a file in ${name} that cannot be read`);
  }
}

function heartbeatOf(text: string | null): number {
  if (text === null) return HEARTBEAT_SECONDS;
  const seconds = Number(text);
  if (/^\d+$/.test(text) && seconds >= 1 && seconds <= MOST_HEARTBEAT_SECONDS) return seconds;
  throw new InvalidBrokerUrl(`has a heartbeat that is not a number of seconds from 1 to ${MOST_HEARTBEAT_SECONDS}`);
}

/**
 * Parses `amqp://USER:PASSWORD@HOST:PORT/VHOST`, or `amqps://…`.
 * @throws InvalidBrokerUrl
 */
export function parseBrokerUrl(text: string): BrokerAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isTls = url?.protocol === 'amqps:';
  if (!url || (!isTls && url.protocol !== 'amqp:') || url.hostname === '' || /\s/.test(text)) {
    throw new InvalidBrokerUrl('is not an address as amqp://USER:PASSWORD@HOST:PORT/VHOST, or amqps:// for TLS');
  }
  if (url.hash !== '') throw new InvalidBrokerUrl('has a # that is not percent-encoded');
  // A URL without a path means the virtual host `/`. The path `/` would mean a virtual host with an empty name, which
  // is not used in practice.
  const vhost = url.pathname.length > 1 ? decoded(url.pathname.slice(1), 'virtual host') : '/';
  if (url.pathname.slice(1).includes('/')) throw new InvalidBrokerUrl('has a / in its virtual host: write it %2F');
  const tls: Record<string, Buffer> = {};
  for (const [name, value] of url.searchParams) {
    if (name === 'heartbeat') continue;
    if (!isFileOption(name))
      throw new InvalidBrokerUrl('has an option other than heartbeat, cacertfile, certfile, keyfile');
    if (!isTls) throw new InvalidBrokerUrl(`has ${name}, which is for amqps://`);
    tls[FILES[name]] = readFileOption(name, value);
  }
  const port = url.port === '' ? (isTls ? 5671 : 5672) : Number(url.port);
  const hasCredentials = url.username !== '' || url.password !== '';
  return {
    connect: {
      protocol: isTls ? 'amqps' : 'amqp',
      hostname: url.hostname.replace(/^\[|\]$/g, ''),
      port,
      ...(hasCredentials && {
        username: decoded(url.username, 'user name'),
        password: decoded(url.password, 'password'),
      }),
      vhost: encodeURIComponent(vhost),
      heartbeat: heartbeatOf(url.searchParams.get('heartbeat')),
    },
    tls,
    display: `${url.hostname}:${port}, virtual host ${vhost}`,
  };
}
