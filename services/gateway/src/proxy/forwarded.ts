/** Who a request comes from, and through whom. Only what proxies say that the operator trusts is believed. */
import { isIP } from 'node:net';
import { compileNetworks, unmappedAddress } from '../http/addresses.ts';
import type { ClientRequest } from '../http/client-exchange.ts';

export interface Forwarding {
  /** The address of the client: of the socket, or, behind trusted proxies, the last one that they do not vouch for. */
  clientAddressOf(request: ClientRequest): string;
  /** Adds what the service is told about where a request comes from to a flat list of names and values. */
  addTo(list: string[], request: ClientRequest): void;
}

/** More proxies than this in a row are none. */
const MAX_HOPS = 16;
const HOST = /^[\w.:[\]-]{1,255}$/;

/** `trusted`: addresses and networks of the proxies in front of the gateway. */
export function createForwarding(trusted: readonly string[] = []): Forwarding {
  return trusted.length === 0 ? DIRECT : behindProxies(compileNetworks(trusted));
}

const DIRECT: Forwarding = {
  clientAddressOf: peerOf,
  addTo(list, { headers, socket }) {
    if (socket.remoteAddress !== undefined) list.push('x-forwarded-for', socket.remoteAddress);
    if (headers.host !== undefined) list.push('x-forwarded-host', headers.host);
    list.push('x-forwarded-proto', protocolOf(socket));
  },
};

function behindProxies(isTrusted: (address: string) => boolean): Forwarding {
  /** A connection has one peer, however many requests come over it. */
  const peers = new WeakMap<ClientRequest['socket'], boolean>();

  function comesFromProxy({ socket }: ClientRequest): boolean {
    const known = peers.get(socket);
    if (known !== undefined) return known;
    const isProxy = isTrusted(socket.remoteAddress ?? '');
    peers.set(socket, isProxy);
    return isProxy;
  }

  return {
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

/** From the right, where the nearest proxy wrote: the first address that is no trusted proxy's. */
function lastUntrusted(list: string, isTrusted: (address: string) => boolean): string | undefined {
  let client: string | undefined;
  let end = list.length;
  for (let hops = 0; hops < MAX_HOPS && end > 0; hops += 1) {
    const comma = list.lastIndexOf(',', end - 1);
    const address = unmappedAddress(list.slice(comma + 1, end).trim());
    // What is no address was not written by a proxy that can be trusted.
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
