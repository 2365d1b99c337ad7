import { expect, test } from 'vitest';
import { serializeRequestHead, UnsendableRequest } from './request-head.ts';

const target = { method: 'GET', path: '/a?b', host: 'h:1' };

test('a head is written line by line', () => {
  expect(serializeRequestHead(target, ['accept', '*/*', 'x-a', '1'], undefined)).toBe(
    'GET /a?b HTTP/1.1\r\nhost: h:1\r\nconnection: keep-alive\r\naccept: */*\r\nx-a: 1\r\n\r\n',
  );
});

test('a host that is given goes before that of the instance', () => {
  expect(serializeRequestHead(target, ['host', 'daybook.example'], undefined)).toBe(
    'GET /a?b HTTP/1.1\r\nconnection: keep-alive\r\nhost: daybook.example\r\n\r\n',
  );
});

test.each([
  ['POST', 5, 'content-length: 5'],
  ['POST', 'chunked', 'transfer-encoding: chunked'],
  ['POST', undefined, 'content-length: 0'],
  ['GET', 5, 'content-length: 5'],
] as const)('%s with a body of %s declares it', (method, length, line) => {
  expect(serializeRequestHead({ ...target, method }, [], length)).toContain(`\r\n${line}\r\n\r\n`);
});

test.each([
  ['a line end in a value', { ...target }, ['x-a', '1\r\nx-b: 2']],
  ['half a line end in a value', { ...target }, ['x-a', '1\n2']],
  ['a letter that is not one byte', { ...target }, ['x-a', '€']],
  ['a blank in the path', { ...target, path: '/a b' }, []],
  ['a line end in the path', { ...target, path: '/a\r\nx: 1' }, []],
  ['no path', { ...target, path: '' }, []],
])('%s is not sent', (_what, where, headers) => {
  expect(() => serializeRequestHead(where, headers, undefined)).toThrow(UnsendableRequest);
});
