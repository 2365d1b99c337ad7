/**
 * Which addresses may be dialed. Others write the list of instances, and must not direct us to addresses that only we
 * can reach.
 */
import { type LookupAddress, lookup as resolve } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

export interface DialRules {
  /** Returns whether this address may be dialed. Returns true for names, because `lookup` checks their addresses. */
  allows(host: string): boolean;
  /** Resolves a name for a socket to the addresses that may be dialed. Fails with `DIAL_FORBIDDEN` when none may. */
  readonly lookup: LookupFunction;
}

/** The address, or every address of the name, is outside the networks that may be dialed. */
export class DialForbidden extends Error {
  override readonly name = 'DialForbidden';
  readonly code = 'DIAL_FORBIDDEN';
  constructor() {
    super('the address is outside of the networks that may be dialed');
  }
}

/** Networks that no setting allows. `BlockList` applies IPv4 networks to IPv4-mapped IPv6 addresses as well. */
const NEVER: readonly string[] = [
  // Unspecified addresses, which reach this machine.
  '0.0.0.0/8',
  '::/128',
  // Link-local addresses, which include the metadata service of most clouds.
  '169.254.0.0/16',
  'fe80::/10',
  // Metadata services of other clouds: Alibaba, Oracle, Azure's host, Amazon, Google.
  '100.100.100.200',
  '192.0.0.192',
  '168.63.129.16',
  'fd00:ec2::254',
  'fd20:ce::254',
  // Multicast, reserved, broadcast.
  '224.0.0.0/4',
  '240.0.0.0/4',
  'ff00::/8',
];

/** Obsolete IPv4-compatible addresses. The unspecified address and the loopback address come before this range. */
const COMPATIBLE = ['::2', '::ffff:ffff'] as const;

/** IPv6 networks that embed IPv4 addresses, and where these are in the 16 bytes. */
const EMBEDDING: readonly {
  networks: BlockList;
  embedded(bytes: readonly number[]): readonly (readonly number[])[];
}[] = [
  // NAT64 and SIIT.
  {
    networks: blockListOf(['64:ff9b::/96', '64:ff9b:1::/48', '::ffff:0:0:0/96']),
    embedded: (bytes) => [bytes.slice(12)],
  },
  // 6to4.
  { networks: blockListOf(['2002::/16']), embedded: (bytes) => [bytes.slice(2, 6)] },
  // Teredo: the server, and the client with inverted bits.
  {
    networks: blockListOf(['2001::/32']),
    embedded: (bytes) => [bytes.slice(4, 8), bytes.slice(12).map((byte) => byte ^ 0xff)],
  },
];

const embeddedIn = (address: string): string[] =>
  EMBEDDING.filter(({ networks }) => networks.check(address, 'ipv6')).flatMap(({ embedded }) =>
    embedded(bytesOf(address)).map((bytes) => bytes.join('.')),
  );

function blockListOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return list;
}

/** Returns the rules of a list. An empty list allows every network. */
export function createDialRules(networks: readonly string[] = []): DialRules {
  const never = blockListOf(NEVER);
  never.addRange(...COMPATIBLE, 'ipv6');
  const only = networks.length > 0 ? blockListOf(networks) : undefined;

  function allowsAddress(address: string): boolean {
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (never.check(address, family)) return false;
    if (family === 'ipv6' && embeddedIn(address).some((embedded) => never.check(embedded, 'ipv4'))) return false;
    return only?.check(address, family) ?? true;
  }

  function allows(host: string): boolean {
    const address = host.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
    return isIP(address) === 0 || allowsAddress(address);
  }

  const lookup: LookupFunction = (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, '', 0);
      const allowed = addresses.filter(({ address }) => allows(address));
      const [first] = allowed;
      if (!first) return callback(new DialForbidden(), '', 0);
      deliver(options.all === true, allowed, first, callback);
    });
  };

  return { allows, lookup };
}

/** Passes all addresses to a socket that tries several families, and the first address to any other socket. */
function deliver(
  wantsAll: boolean,
  all: LookupAddress[],
  first: LookupAddress,
  callback: Parameters<LookupFunction>[2],
): void {
  if (wantsAll) callback(null, all);
  else callback(null, first.address, first.family);
}

/** Returns the 16 bytes of an IPv6 address. */
function bytesOf(address: string): number[] {
  // The URL parser writes every address in its shortest form, with hexadecimal groups only.
  const [head = '', tail = ''] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groupsOf = (text: string) => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)));
  const [first, last] = [groupsOf(head), groupsOf(tail)];
  const zeros = Array<number>(GROUPS - first.length - last.length).fill(0);
  return [...first, ...zeros, ...last].flatMap((group) => [group >> 8, group & 0xff]);
}
const GROUPS = 8;
