import { expect, test } from 'vitest';
import { cors } from './cors.ts';
import { faultsIn, runOnRequest, runOnResponse } from './testing.ts';

const ORIGIN = 'https://app.example.org';
const SETTING = {
  origins: [ORIGIN],
  methods: ['GET', 'PATCH'],
  headers: ['Content-Type', 'If-Match'],
  exposedHeaders: ['ETag'],
  credentials: true,
};

const preflight = (headers: Record<string, string>, method = 'OPTIONS') =>
  runOnRequest(cors, SETTING, { method, headers }).response;
const preflightHeaders = { origin: ORIGIN, 'access-control-request-method': 'PATCH' };

test('a preflight of a known origin gets a local response', () => {
  expect(preflight({ ...preflightHeaders, 'access-control-request-headers': 'if-match, content-type' })).toEqual({
    status: 204,
    headers: [
      'access-control-allow-methods',
      'GET, PATCH',
      'access-control-allow-headers',
      'Content-Type, If-Match',
      'access-control-max-age',
      '600',
    ],
  });
});

test.each([
  ['another origin', { ...preflightHeaders, origin: 'https://app.example.org.evil' }],
  ['no origin that can be named', { ...preflightHeaders, origin: 'null' }],
  ['another method', { ...preflightHeaders, 'access-control-request-method': 'DELETE' }],
  ['another header', { ...preflightHeaders, 'access-control-request-headers': 'if-match,x-other' }],
])('a preflight with %s is forbidden', (_what, headers) => {
  expect(preflight(headers)).toMatchObject({ code: 'forbidden' });
});

test('what is not a preflight goes on', () => {
  expect(preflight({ origin: ORIGIN })).toBeUndefined();
  expect(preflight(preflightHeaders, 'PATCH')).toBeUndefined();
  expect(preflight({ 'access-control-request-method': 'GET' })).toBeUndefined();
});

test('a response names the origin that may read it, and drops what the service names', () => {
  const headers = ['access-control-allow-origin', '*', 'etag', '"1"'];
  expect(runOnResponse(cors, SETTING, { headers }, { headers: { origin: ORIGIN } }).headers).toEqual([
    'etag',
    '"1"',
    'vary',
    'Origin',
    'access-control-allow-origin',
    ORIGIN,
    'access-control-allow-credentials',
    'true',
    'access-control-expose-headers',
    'ETag',
  ]);
});

test('a response to any other origin names none', () => {
  for (const origin of [undefined, 'null', 'http://app.example.org']) {
    const request = { headers: origin === undefined ? {} : { origin } };
    expect(runOnResponse(cors, SETTING, {}, request).headers).toEqual(['vary', 'Origin']);
  }
});

test('every page may read where the origin is *, but not with credentials', () => {
  const request = { headers: { origin: 'https://any.example' } };
  expect(runOnResponse(cors, { origins: ['*'] }, {}, request).headers).toContain('https://any.example');
  expect(faultsIn(cors, { origins: ['*'], credentials: true })).toEqual([
    '/credentials cannot be allowed to every origin',
  ]);
  expect(faultsIn(cors, { origins: ['https://*.example.org'] })).toHaveLength(1);
});
