/** Reads the addresses of clients and networks. */
import { BlockList, isIP } from 'node:net';

const IPV4_MAPPED_PREFIX = '::ffff:';

/**
 * Returns a test whether an address is in one of these networks. An IPv4 address also matches in its mapped IPv6 form.
 */
export function compileNetworks(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    const family = familyOf(address);
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return (address) => isIP(address) !== 0 && list.check(address, familyOf(address));
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (address.includes(':') ? 'ipv6' : 'ipv4');

/** Converts a mapped address: `::ffff:10.0.0.1` → `10.0.0.1`. */
export const unmappedAddress = (address: string): string =>
  address.startsWith(IPV4_MAPPED_PREFIX) && address.includes('.') ? address.slice(IPV4_MAPPED_PREFIX.length) : address;

/**
 * Returns the key for counting a client's requests: an IPv4 address, or the /64 network of an IPv6 address. One client
 * usually controls a whole /64.
 */
export function clientKey(address: string): string {
  const plain = unmappedAddress(address);
  if (!plain.includes(':')) return plain;
  const [head = '', tail] = plain.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const trailingGroups = tail === '' ? 0 : tail.split(':').length + (tail.includes('.') ? 1 : 0);
    groups.push(...Array.from({ length: Math.max(0, 8 - groups.length - trailingGroups) }, () => '0'));
    if (tail !== '') groups.push(...tail.split(':'));
  }
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, '').toLowerCase())
    .join(':')}::/64`;
}
