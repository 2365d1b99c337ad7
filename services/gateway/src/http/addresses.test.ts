import { expect, test } from 'vitest';
import { clientKey, compileNetworks } from './addresses.ts';

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
  ['2001:DB8:0001:2::', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['::', '0:0:0:0::/64'],
  ['1::8', '1:0:0:0::/64'],
  ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
  ['', ''],
])('requests of %s count for %s', (address, key) => {
  expect(clientKey(address)).toBe(key);
});

test('what is not an address is in no network', () => {
  const everything = compileNetworks(['0.0.0.0/0', '::/0']);
  expect(everything('1.2.3.4')).toBe(true);
  expect(everything('::1')).toBe(true);
  for (const text of ['', 'unknown', '1.2.3', '1.2.3.4 ', '::ffff:']) expect(everything(text)).toBe(false);
});
