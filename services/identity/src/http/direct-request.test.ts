import type { FastifyRequest } from 'fastify';
import { expect, it } from 'vitest';
import { isDirect } from './direct-request.ts';

const DIRECT = { 'x-daybook-direct': '1', 'x-forwarded-for': '127.0.0.1', 'x-forwarded-host': 'localhost:8080' };

const requestWith = (headers: Record<string, string | string[] | undefined>) =>
  ({ raw: { headers: { ...DIRECT, ...headers } } }) as unknown as FastifyRequest;

it.each([
  ['a browser at localhost', {}],
  ['a browser at an address', { 'x-forwarded-host': '127.0.0.1:8080' }],
  ['a browser at an address of IPv6', { 'x-forwarded-for': '::1', 'x-forwarded-host': '[::1]:8080' }],
  ['a mapped address', { 'x-forwarded-for': '::ffff:127.0.0.1' }],
])('a request of %s is direct', (_what, headers) => expect(isDirect(requestWith(headers))).toBe(true));

it.each([
  ['no mark of the gateway', { 'x-daybook-direct': undefined }],
  ['another mark', { 'x-daybook-direct': 'yes' }],
  ['two marks', { 'x-daybook-direct': '1, 1' }],
  ['a header of a proxy', { forwarded: 'for=127.0.0.1' }],
  ['a client elsewhere', { 'x-forwarded-for': '203.0.113.9' }],
  ['a chain of clients', { 'x-forwarded-for': '127.0.0.1, 127.0.0.1' }],
  ['no client', { 'x-forwarded-for': undefined }],
  ['another host', { 'x-forwarded-host': 'clinic.example' }],
  ['a host that begins like loopback', { 'x-forwarded-host': 'localhost.evil.example' }],
  ['a host with a user', { 'x-forwarded-host': 'localhost@evil.example' }],
  ['no host', { 'x-forwarded-host': undefined }],
])('a request with %s is not direct', (_what, headers) => expect(isDirect(requestWith(headers))).toBe(false));
