import type { OutgoingHttpHeader } from 'node:http';
import { expect, test } from 'vitest';
import { frameResponse } from './response-framing.ts';

const framed = (received: number, sent: number, method = 'GET') => {
  const headers: OutgoingHttpHeader[] = ['etag', '"1"', 'content-length', '5'];
  const hasBody = frameResponse(headers, { method, received, sent });
  return {
    hasBody,
    length: headers[headers.indexOf('content-length') + 1],
    isNamed: headers.includes('content-length'),
  };
};

test.each([
  ['as it came', 200, 200],
  ['with another status', 200, 202],
  ['of a refusal', 404, 202],
  ['of 205 with another status', 205, 200],
])('a body is sent with its length: %s', (_what, received, sent) => {
  expect(framed(received, sent)).toEqual({ hasBody: true, length: '5', isNamed: true });
});

test('the length of a 304 is that of the resource and stays', () => {
  expect(framed(304, 304)).toMatchObject({ isNamed: true });
});

test.each([
  [204, 200],
  [304, 200],
  [204, 404],
  [205, 205],
  [200, 205],
  [204, 205],
])('%i that is sent as %i has the length 0 and no body', (received, sent) => {
  expect(framed(received, sent)).toEqual({ hasBody: false, length: '0', isNamed: true });
});

test.each([
  [204, 204],
  [200, 204],
  [200, 304],
  [204, 304],
])('%i that is sent as %i names no length and has no body', (received, sent) => {
  expect(framed(received, sent)).toMatchObject({ hasBody: false, isNamed: false });
});

test('a response to HEAD keeps its length, unless it is that of no body', () => {
  expect(framed(200, 202, 'HEAD')).toMatchObject({ isNamed: true });
  expect(framed(304, 200, 'HEAD')).toMatchObject({ isNamed: false });
});
