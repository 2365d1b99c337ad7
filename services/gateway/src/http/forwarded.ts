/** Determines a request's origin and its proxies. Trusts only the proxies that the operator has named. */
import { isIP } from 'node:net';
import { isLoopbackHost } from '@daybook/service';
import { compileNetworks, unmappedAddress } from './addresses.ts';
import type { ClientRequest } from './client-exchange.ts';

export interface Forwarding {
  /** Returns the client's address: that of the socket or, behind trusted proxies, the nearest untrusted address. */
  clientAddressOf(request: ClientRequest): string;
  /** Adds the headers about the request's origin to a flat list of names and values. */
  addTo(list: string[], request: ClientRequest): void;
  /**
   * Returns whether a program of this machine sent the request to this gateway itself. Any trace of a proxy denies it.
   */
  isDirect(request: ClientRequest): boolean;
}

/** A longer chain of proxies is not credible. */
const MAX_HOPS = 16;
const HOST = /^[\w.:[\]-]{1,255}$/;

/** Creates the forwarding rules. `trusted` holds the addresses and networks of the proxies in front of the gateway. */
export function createForwarding(trusted: readonly string[] = []): Forwarding {
  return trusted.length === 0 ? DIRECT : behindProxies(compileNetworks(trusted));
}

/** What proxies, tunnels and content networks add to a request that they forward. Here `_` and `-` are the same. */
const ADDED_BY_PROXIES =
  /^(?:forwarded|via|x-forwarded(?:-.*)?|x-real-ip|x-client-ip|x-original-.*|true-client-ip|cf-.*|fly-.*|client-ip)$/;

function hasTraceOfProxy({ rawHeaders }: ClientRequest): boolean {
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase().replaceAll('_', '-');
    if (ADDED_BY_PROXIES.test(name)) return true;
  }
  return false;
}

const isLoopback = (address: string | undefined): boolean => isLoopbackHost(unmappedAddress(address ?? ''));

const DIRECT: Forwarding = {
  clientAddressOf: peerOf,
  isDirect(request) {
    const { remoteAddress, localAddress } = request.socket;
    return isLoopback(remoteAddress) && isLoopback(localAddress) && !hasTraceOfProxy(request);
  },
  addTo(list, { headers, socket }) {
    if (socket.remoteAddress !== undefined) list.push('x-forwarded-for', socket.remoteAddress);
    if (headers.host !== undefined) list.push('x-forwarded-host', headers.host);
    list.push('x-forwarded-proto', protocolOf(socket));
  },
};

function behindProxies(isTrusted: (address: string) => boolean): Forwarding {
  /** Cached, because a connection has one peer for all its requests. */
  const peers = new WeakMap<ClientRequest['socket'], boolean>();

  function comesFromProxy({ socket }: ClientRequest): boolean {
    const known = peers.get(socket);
    if (known !== undefined) return known;
    const isProxy = isTrusted(socket.remoteAddress ?? '');
    peers.set(socket, isProxy);
    return isProxy;
  }

  return {
    // A proxy in front may be on this machine.
    isDirect: () => false,
    clientAddressOf(request) {
      const peer = peerOf(request);
      if (!comesFromProxy(request)) return peer;
      return lastUntrusted(textOf(request.headers['x-forwarded-for']), isTrusted) ?? peer;
    },
    addTo(list, request) {
      if (!comesFromProxy(request)) {
        DIRECT.addTo(list, request);
        return;
      }
      const { headers } = request;
      const peer = peerOf(request);
      const previous = textOf(headers['x-forwarded-for']);
      list.push('x-forwarded-for', previous === '' ? peer : `${previous}, ${peer}`);
      const host = textOf(headers['x-forwarded-host']);
      if (HOST.test(host)) list.push('x-forwarded-host', host);
      else if (headers.host !== undefined) list.push('x-forwarded-host', headers.host);
      const protocol = textOf(headers['x-forwarded-proto']);
      list.push('x-forwarded-proto', isProtocol(protocol) ? protocol : protocolOf(request.socket));
      const forwarded = textOf(headers.forwarded);
      if (forwarded !== '') list.push('forwarded', `${forwarded}, ${forwardedElement(request)}`);
    },
  };
}

/** Returns the first address from the right, the nearest end, that is not a trusted proxy's. */
function lastUntrusted(list: string, isTrusted: (address: string) => boolean): string | undefined {
  let client: string | undefined;
  let end = list.length;
  for (let hops = 0; hops < MAX_HOPS && end > 0; hops += 1) {
    const comma = list.lastIndexOf(',', end - 1);
    const address = unmappedAddress(list.slice(comma + 1, end).trim());
    // A trusted proxy writes only addresses.
    if (isIP(address) === 0) return client;
    client = address;
    if (!isTrusted(address)) return client;
    end = comma;
  }
  return client;
}

function forwardedElement({ headers, socket }: ClientRequest): string {
  const peer = unmappedAddress(socket.remoteAddress ?? 'unknown');
  const node = peer.includes(':') ? `"[${peer}]"` : peer;
  const host = headers.host !== undefined && HOST.test(headers.host) ? `;host="${headers.host}"` : '';
  return `for=${node}${host};proto=${protocolOf(socket)}`;
}

function peerOf({ socket }: ClientRequest): string {
  return unmappedAddress(socket.remoteAddress ?? '');
}

const textOf = (value: string | string[] | undefined): string =>
  typeof value === 'string' ? value : (value?.join(', ') ?? '');

const isProtocol = (text: string): boolean => text === 'http' || text === 'https';

const protocolOf = (socket: ClientRequest['socket']): 'http' | 'https' =>
  socket.encrypted === true ? 'https' : 'http';
