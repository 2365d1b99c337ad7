import { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { readPlainRequest } from './plain-request.ts';

const read = (text: string) => readPlainRequest(text, new Socket(), undefined);
const withLines = (...lines: string[]) => ['GET /a HTTP/1.1', ...lines, '', ''].join('\r\n');

test('a plain request is read whole', () => {
  const request = read('HEAD /a/b?c=d HTTP/1.1\r\nHost: x:80\r\nX-Any: \t one  two \t\r\nAccept:*/*\r\nEmpty:\r\n\r\n');
  expect(request).toMatchObject({ method: 'HEAD', url: '/a/b?c=d' });
  expect(request?.rawHeaders).toEqual(['Host', 'x:80', 'X-Any', 'one  two', 'Accept', '*/*', 'Empty', '']);
  expect(request?.headers).toEqual({ host: 'x:80', 'x-any': 'one  two', accept: '*/*', empty: '' });
});

test('the same headers are read once, others again', () => {
  const first = read(withLines('Host: x', 'A: 1'));
  const same = readPlainRequest(withLines('Host: x', 'A: 1').replace('/a', '/b'), new Socket(), first?.memo);
  const other = readPlainRequest(withLines('Host: x', 'A: 2'), new Socket(), first?.memo);
  expect(same?.url).toBe('/b');
  expect(same?.memo).toBe(first?.memo);
  expect(other?.headers).toEqual({ host: 'x', a: '2' });
});

describe('it is plain with', () => {
  test.each([
    ['a host only', withLines('Host: x')],
    ['an address as its host', withLines('Host: [::1]:8080')],
    ['a connection that is kept', withLines('Host: x', 'Connection: Keep-Alive')],
    ['every character of a name', withLines('Host: x', "!#$%&'*+-.^`|~09azAZ: a")],
    [
      'every character of a value',
      withLines(
        'Host: x',
        `A: a\t${String.fromCharCode(
          ...Array(95)
            .keys()
            .map((n) => n + 32),
        )}`,
      ),
    ],
    ['encoded characters', 'GET /%C3%A4?q=%20"<> HTTP/1.1\r\nHost: x\r\n\r\n'],
  ])('%s', (_what, text) => {
    expect(read(text)).toBeDefined();
  });
});

describe('it is left to node:http with', () => {
  test.each([
    ['nothing', ''],
    ['half a first line', 'GET /a'],
    ['half a head', 'GET /a HTTP/1.1\r\nHost: x\r\n'],
    ['all but the last byte', 'GET /a HTTP/1.1\r\nHost: x\r\n\r'],
    ['something after its end', `${withLines('Host: x')}G`],
    ['another one after it', withLines('Host: x').repeat(2)],
    ['an empty line before it', `\r\n${withLines('Host: x')}`],
    ...['POST', 'get', 'OPTIONS', 'GETS', 'G'].map((method) => [
      `the method ${method}`,
      withLines('Host: x').replace('GET', method),
    ]),
    ...['HTTP/1.0', 'HTTP/1.2', 'HTTP/2.0', 'http/1.1', 'HTTP/1.1 '].map((version) => [
      `the version ${version}`,
      withLines('Host: x').replace('HTTP/1.1', version),
    ]),
    ...[
      '',
      '*',
      'a',
      'http://x/a',
      '/a b',
      ' /a',
      '/a ',
      '/\t',
      '/ä',
      '/a#b',
      '//a',
      '/../a',
      '/a/./b',
      '/a\\b',
      '/%2e/a',
      '/%2F',
      '/%',
      '/\x7f',
      '/\0',
    ].map((target) => [`the target ${JSON.stringify(target)}`, withLines('Host: x').replace('/a', target)]),
    ...[
      ['no host', []],
      ['two hosts', ['Host: x', 'Host: x']],
      ['a host that is none', ['Host: x/y']],
      ['an empty host', ['Host:']],
      ['a header that comes twice', ['Host: x', 'A: 1', 'a: 2']],
      ['a header without a name', ['Host: x', ': a']],
      ['a header without a colon', ['Host: x', 'A']],
      ['a space before a colon', ['Host: x', 'A : a']],
      ['a space before a name', ['Host: x', ' A: a']],
      ['a folded line', ['Host: x', 'A: a', ' b']],
      ['a name with an underscore', ['Host: x', 'X_A: a']],
      ['a name as objects have them', ['Host: x', 'constructor: a']],
      ['a line feed in a value', ['Host: x', 'A: a\nB: b']],
      ['a carriage return in a value', ['Host: x', 'A: a\rB: b']],
      ['a null byte', ['Host: x', 'A: a\0']],
      ['a letter that is not ASCII', ['Host: x', 'A: ä']],
      ['a delete character', ['Host: x', 'A: \x7f']],
      ['a length', ['Host: x', 'Content-Length: 0']],
      ['chunks', ['Host: x', 'Transfer-Encoding: chunked']],
      ['a connection that is to be closed', ['Host: x', 'Connection: close']],
      ['headers for the connection', ['Host: x', 'Connection: keep-alive, A']],
      ['an upgrade', ['Host: x', 'Upgrade: websocket']],
      ['an expectation', ['Host: x', 'Expect: 100-continue']],
      ['codings', ['Host: x', 'TE: trailers']],
      ['trailers', ['Host: x', 'Trailer: a']],
      ['a word to proxies', ['Host: x', 'Proxy-Authorization: a']],
      ['settings of another version', ['Host: x', 'HTTP2-Settings: a']],
    ].map(([what, lines]) => [String(what), withLines(...(lines as string[]))]),
  ])('%s', (_what, text) => {
    expect(read(text)).toBeUndefined();
  });
});
