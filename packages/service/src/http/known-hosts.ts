/**
 * Checks the Host header against the known hosts of an application. A page of another site can point its own name at an
 * address of this machine (DNS rebinding). The browser then considers its requests same-origin, and only their Host
 * reveals the other site.
 */
import type { IncomingMessage } from 'node:http';
import { isIP, type Socket } from 'node:net';
import { Refusal } from '@daybook/contracts';

/** The names of this machine on every machine. */
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];
const HEALTH = /^\/health\/(?:live|ready)$/;
const HOST_AND_PORT = /^(\[[^\]]*\]|[^:]*)(?::\d*)?$/;

/** The parts of a request that this module reads, from any server. */
export interface AddressedRequest {
  readonly url?: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly socket: Pick<Socket, 'localAddress'>;
}

export interface KnownHosts {
  /** Adds names and addresses, as callers dial them. */
  add(...hosts: readonly string[]): void;
  /** Adds the host of a URL. Afterwards the Host is checked on every address, not only on loopback. */
  addPublicUrl(url: string): void;
  /** The origin of the public URL, if any. */
  readonly publicOrigin: string | undefined;
  /**
   * Returns whether a request is for this application. A request without Host is, because browsers always send one.
   * Operators' programs may use other names than people do, except on loopback.
   */
  isFor(request: AddressedRequest, isForOperators?: boolean): boolean;
}

export function createKnownHosts(): KnownHosts {
  const known = new Set(LOOPBACK);
  /** The last known Host, cached because nearly all requests send the same. */
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
      // Probes of a pod use the address of the connection as Host.
      return name === asInHost(localAddress) || (isAddress(name) && HEALTH.test(url));
    },
  };
}

export const misdirected = (): Refusal =>
  new Refusal(
    'misdirected-request',
    'The Host header names another host. Use an address of this service, or set DAYBOOK_PUBLIC_URL.',
  );

/**
 * Returns the name without the port. A forwarded port keeps its own number, and a page of another site cannot choose
 * the name.
 */
const nameIn = (host: string): string | undefined => HOST_AND_PORT.exec(host.toLowerCase())?.[1]?.replace(/\.$/, '');

/** Formats a socket's address, or a name, as a Host header does. */
function asInHost(host: string): string {
  const plain = host
    .toLowerCase()
    .replace(/^::ffff:(?=\d+\.)/, '')
    .replace(/\.$/, '');
  return isIP(plain) === 6 ? `[${plain}]` : plain;
}

const isAddress = (name: string): boolean => isIP(name.replace(/^\[|\]$/g, '')) !== 0;

/**
 * Returns whether a name is in 127.0.0.0/8, which always means this machine. A page of another site cannot have such a
 * name.
 */
const isOwnAddress = (name: string): boolean => isAddress(name) && isLoopback(name);

const isLoopback = (address: string): boolean => /^(?:::ffff:)?127\.|^::1$/.test(address);

const ofServers = new WeakMap<object, KnownHosts>();

/** Returns the known hosts of an application, by its server. */
export function knownHostsOf({ server }: { readonly server: object }): KnownHosts {
  const existing = ofServers.get(server);
  if (existing) return existing;
  const made = createKnownHosts();
  ofServers.set(server, made);
  return made;
}
