import { expect, it } from 'vitest';
import { isLocalOnly } from './local-only.ts';

const HOST = '127.0.0.1';

it.each([
  ['nothing is configured', {}],
  ['the address is loopback', { DAYBOOK_HOST: HOST, DAYBOOK_PUBLIC_URL: 'http://localhost:8080' }],
  ['the address is loopback of IPv6', { DAYBOOK_HOST: '::1', DAYBOOK_PUBLIC_URL: 'http://[::1]:8080' }],
  ['the public address is written shorter', { DAYBOOK_HOST: HOST, DAYBOOK_PUBLIC_URL: 'http://127.1:8080' }],
])('only this machine reaches a system where %s', (_what, config) => {
  expect(isLocalOnly(config)).toBe(true);
});

it.each([
  ['it listens everywhere', { DAYBOOK_HOST: '0.0.0.0' }],
  ['it listens everywhere by IPv6', { DAYBOOK_HOST: '::' }],
  ['it listens at a name', { DAYBOOK_HOST: 'clinic.example' }],
  ['a name only begins like loopback', { DAYBOOK_HOST: '127.0.0.1.evil.example' }],
  ['a public name is configured', { DAYBOOK_PUBLIC_URL: 'https://clinic.example' }],
  ['a public name only begins like loopback', { DAYBOOK_PUBLIC_URL: 'http://localhost.evil.example' }],
  ['the public address is not a URL', { DAYBOOK_PUBLIC_URL: 'localhost' }],
  ['a proxy is trusted, also on this machine', { DAYBOOK_TRUSTED_PROXIES: HOST }],
])('others may reach a system where %s', (_what, config) => {
  expect(isLocalOnly(config)).toBe(false);
});
