/**
 * The hosts that an application is known by. A page of another site can point its own name at an address of this machine
 * (DNS rebinding), and its requests are same-origin for the browser then: only their Host still names that site.
 */
import type { IncomingMessage } from 'node:http';
import { isIP, type Socket } from 'node:net';
import { Refusal } from '@daybook/contracts';

/** On every machine the names of itself. */
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];
const HEALTH = /^\/health\/(?:live|ready)$/;
const HOST_AND_PORT = /^(\[[^\]]*\]|[^:]*)(?::\d*)?$/;

/** The part of a request that is read here, whoever read it from the connection. */
export interface AddressedRequest {
  readonly url?: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly socket: Pick<Socket, 'localAddress'>;
}

export interface KnownHosts {
  /** Adds names and addresses, as they are dialled. */
  add(...hosts: readonly string[]): void;
  /** Adds the host of a URL; from then on a Host has to be known on every address, not only on loopback. */
  addPublicUrl(url: string): void;
  /** The origin of the public URL; undefined for none. */
  readonly publicOrigin: string | undefined;
  /**
   * Whether a request is for this application. One without Host is, because no browser sends it. Operators' programs may
   * use names that people do not, except on loopback.
   */
  isFor(request: AddressedRequest, isForOperators?: boolean): boolean;
}

export function createKnownHosts(): KnownHosts {
  const known = new Set(LOOPBACK);
  /** The Host that was known last: nearly all requests bring the same. */
  let last: string | undefined;
  let publicOrigin: string | undefined;

  const add = (...hosts: readonly string[]) => {
    for (const host of hosts) known.add(asInHost(host));
  };

  function isKnown(host: string): boolean {
    const name = nameIn(host);
    if (name === undefined || !(known.has(name) || isOwnAddress(name))) return false;
    last = host;
    return true;
  }

  return {
    add,
    addPublicUrl(url) {
      const { hostname, origin } = new URL(url);
      add(hostname);
      publicOrigin = origin;
    },
    get publicOrigin() {
      return publicOrigin;
    },
    isFor({ headers: { host }, socket: { localAddress = '' }, url = '/' }, isForOperators = false) {
      if (host === undefined || host === last || isKnown(host)) return true;
      if ((isForOperators || publicOrigin === undefined) && !isLoopback(localAddress)) return true;
      const name = nameIn(host) ?? '';
      // The address that the connection was made to: probes of a pod name it.
      return name === asInHost(localAddress) || (isAddress(name) && HEALTH.test(url));
    },
  };
}

export const misdirected = (): Refusal =>
  new Refusal(
    'misdirected-request',
    'The Host header names another host. Use an address of this service, or set DAYBOOK_PUBLIC_URL.',
  );

/** Without the port: a forwarded port keeps its own number, and a page of another site cannot choose the name. */
const nameIn = (host: string): string | undefined => HOST_AND_PORT.exec(host.toLowerCase())?.[1]?.replace(/\.$/, '');

/** An address of a socket, or a name, as a Host header has it. */
function asInHost(host: string): string {
  const plain = host
    .toLowerCase()
    .replace(/^::ffff:(?=\d+\.)/, '')
    .replace(/\.$/, '');
  return isIP(plain) === 6 ? `[${plain}]` : plain;
}

const isAddress = (name: string): boolean => isIP(name.replace(/^\[|\]$/g, '')) !== 0;

/** Every address of 127.0.0.0/8 is this machine, for whoever sends it: no page of another site has one as its name. */
const isOwnAddress = (name: string): boolean => isAddress(name) && isLoopback(name);

const isLoopback = (address: string): boolean => /^(?:::ffff:)?127\.|^::1$/.test(address);

const ofServers = new WeakMap<object, KnownHosts>();

/** The hosts of an application, by its server. */
export function knownHostsOf({ server }: { readonly server: object }): KnownHosts {
  const existing = ofServers.get(server);
  if (existing) return existing;
  const made = createKnownHosts();
  ofServers.set(server, made);
  return made;
}
