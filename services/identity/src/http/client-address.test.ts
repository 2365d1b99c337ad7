import type { FastifyRequest } from 'fastify';
import { expect, it } from 'vitest';
import { createClientAddress, networkOf } from './client-address.ts';

const requestFrom = (remoteAddress: string, forwardedFor?: string) =>
  ({ raw: { headers: { 'x-forwarded-for': forwardedFor }, socket: { remoteAddress } } }) as unknown as FastifyRequest;

it.each([
  ['203.0.113.7', '203.0.113.7'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['2001:0DB8:0001:0002::9', '2001:db8:1:2::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
])('the network of %s is %s', (address, network) => expect(networkOf(address)).toBe(network));

it.each([
  ['the peer without a gateway', undefined, '192.0.2.1'],
  ['the address that the gateway added', '203.0.113.9', '203.0.113.9'],
  ['not what a client claims in front of it', '198.51.100.1, 203.0.113.9', '203.0.113.9'],
  ['the one in front of a trusted proxy', '203.0.113.9, 10.0.0.1', '203.0.113.9'],
  ['not what a client claims in front of that', '198.51.100.1, 203.0.113.9, 10.0.0.1', '203.0.113.9'],
  ['the peer when the list is nonsense', 'unknown', '192.0.2.1'],
  ['the last readable one', 'unknown, 10.0.0.1', '10.0.0.1'],
])('the client is %s', (_what, forwardedFor, client) => {
  const addressOf = createClientAddress(['10.0.0.0/8']);
  expect(addressOf(requestFrom('192.0.2.1', forwardedFor))).toBe(client);
});
