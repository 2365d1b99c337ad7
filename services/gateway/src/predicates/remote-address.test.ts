import { expect, test } from 'vitest';
import { remoteAddress } from './remote-address.ts';
import { faultsIn, matches } from './testing.ts';

const from = (address: string) =>
  matches(
    remoteAddress,
    ['10.0.0.0/8', '192.0.2.7', 'fd00::/8', '2001:db8::1'],
    {},
    { clientAddressOf: () => address },
  );

test.each([
  '10.0.0.0',
  '10.255.255.255',
  '::ffff:10.1.2.3',
  '192.0.2.7',
  'fd12:3456::1',
  '2001:db8::1',
  '2001:0DB8:0::1',
])('the client at %s is in the networks', (address) => {
  expect(from(address)).toBe(true);
});

test.each(['9.255.255.255', '11.0.0.0', '192.0.2.8', '::ffff:11.0.0.1', 'fe80::1', '2001:db8::2', '', 'unknown'])(
  'the client at %j is not in the networks',
  (address) => {
    expect(from(address)).toBe(false);
  },
);

test.each(['10.0.0.0/33', '10.0.0/8', 'fd00::/129', 'localhost', '10.0.0.0/', '10.0.0.0/8/8', 'fe80::1%eth0', ''])(
  'the network %j is refused',
  (network) => {
    expect(faultsIn(remoteAddress, [network])).toEqual(['/0 must be a valid network']);
  },
);
