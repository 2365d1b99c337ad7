/** The address that attempts are counted by. */
import { BlockList, isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';

/** A longer chain of proxies is not credible. */
const MAX_HOPS = 16;
const IPV4_MAPPED_PREFIX = '::ffff:';

const unmapped = (address: string): string =>
  address.startsWith(IPV4_MAPPED_PREFIX) && address.includes('.') ? address.slice(IPV4_MAPPED_PREFIX.length) : address;

const familyOf = (address: string): 'ipv4' | 'ipv6' => (address.includes(':') ? 'ipv6' : 'ipv4');

/** Returns an IPv4 address, or the /64 network of an IPv6 address, because one client usually controls all of it. */
export function networkOf(address: string): string {
  const [plain = ''] = unmapped(address).split('%');
  if (isIP(plain) !== 6) return plain;
  // The parser writes the shortest form, with at most one `::`.
  const [head = '', tail = ''] = new URL(`http://[${plain}]`).hostname.slice(1, -1).split('::');
  const groups = head.split(':').filter((group) => group !== '');
  const trailing = tail.split(':').filter((group) => group !== '');
  const zeros = Array.from({ length: 8 - groups.length - trailing.length }, () => '0');
  return `${[...groups, ...zeros, ...trailing].slice(0, 4).join(':')}::/64`;
}

/**
 * Returns a function that finds the client of a request. The gateway adds the address of its own client at the end of
 * `X-Forwarded-For`. In front of that are only addresses that named proxies added.
 */
export function createClientAddress(trustedProxies: readonly string[]): (request: FastifyRequest) => string {
  const trusted = new BlockList();
  for (const network of trustedProxies) {
    const [address = '', prefix] = network.split('/');
    if (prefix === undefined) trusted.addAddress(address, familyOf(address));
    else trusted.addSubnet(address, Number(prefix), familyOf(address));
  }
  return ({ raw: { headers, socket } }) => {
    const list = [headers['x-forwarded-for'] ?? []].flat().join(',').split(',');
    let client = unmapped(socket.remoteAddress ?? '');
    for (const hop of list.reverse().slice(0, MAX_HOPS)) {
      const address = unmapped(hop.trim());
      if (isIP(address) === 0) break;
      client = address;
      if (!trusted.check(address, familyOf(address))) break;
    }
    return networkOf(client);
  };
}
