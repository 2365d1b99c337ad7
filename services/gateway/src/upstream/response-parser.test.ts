import { describe, expect, test } from 'vitest';
import { MalformedResponse, ResponseParser } from './response-parser.ts';

/** Parses bytes in chunks of `size` and returns the result. */
function parse(text: string, { method = 'GET', size = text.length, closes = false } = {}) {
  const seen = { status: 0, headers: [] as string[], body: '', shouldKeepAlive: false, ended: false };
  const parser = new ResponseParser({
    onHead({ status, headers, shouldKeepAlive }) {
      Object.assign(seen, { status, headers, shouldKeepAlive });
    },
    onData(chunk) {
      seen.body += chunk.toString('latin1');
    },
    onEnd(last) {
      seen.body += last?.toString('latin1') ?? '';
      seen.ended = true;
    },
  });
  parser.begin(method);
  const bytes = Buffer.from(text, 'latin1');
  // Reuses the same memory for each chunk, as connections do.
  const place = Buffer.alloc(size);
  for (let at = 0; at < bytes.length; at += size) {
    const length = bytes.copy(place, 0, at, at + size);
    parser.read(place.subarray(0, length));
  }
  const isWhole = closes ? parser.close() : seen.ended;
  return { ...seen, isWhole };
}

const CHUNKED = [
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A:  one \r\nX-B:\r\n\r\n',
  '5;name=value\r\nhello\r\n0A\r\n, world\r\n.\r\n0\r\nX-Trailer: 1\r\n\r\n',
].join('');

describe('a response is read the same in one piece and in any other pieces', () => {
  test.each([1, 2, 3, 5, 7, 64, 10_000])('of %i bytes: in chunks', (size) => {
    expect(parse(CHUNKED, { size })).toEqual({
      status: 200,
      headers: ['transfer-encoding', 'chunked', 'x-a', 'one', 'x-b', ''],
      body: 'hello, world\r\n.',
      shouldKeepAlive: true,
      ended: true,
      isWhole: true,
    });
  });

  test.each([1, 2, 3, 5, 7, 64, 10_000])('of %i bytes: of a length', (size) => {
    const response = 'HTTP/1.1 404 \r\nContent-Length: 4\r\nConnection: close\r\n\r\ngone';
    expect(parse(response, { size })).toMatchObject({ status: 404, body: 'gone', shouldKeepAlive: false, ended: true });
  });

  test.each([1, 3, 10_000])('of %i bytes: until the connection ends', (size) => {
    const response = 'HTTP/1.0 200 OK\r\n\r\nall of it';
    expect(parse(response, { size })).toMatchObject({ body: 'all of it', shouldKeepAlive: false, ended: false });
    expect(parse(response, { size, closes: true })).toMatchObject({ ended: true, isWhole: true });
  });
});

test.each([
  ['to HEAD', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'],
  ['204', 'GET', 'HTTP/1.1 204 No Content\r\n\r\n'],
  ['304', 'GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n'],
  ['of no length', 'GET', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
])('a response %s has no body and leaves the connection', (_what, method, response) => {
  expect(parse(response, { method })).toMatchObject({ body: '', shouldKeepAlive: true, ended: true });
});

test.each([
  ['HTTP/1.1', '', true],
  ['HTTP/1.1', 'Connection: keep-alive\r\n', true],
  ['HTTP/1.1', 'Connection: X-Private, Close\r\n', false],
  ['HTTP/1.1', 'Connection: X-Private\r\n', true],
  ['HTTP/1.1', 'Connection: x\r\nConnection: close\r\n', false],
  ['HTTP/1.1', 'Proxy-Connection: x, close\r\n', false],
  ['HTTP/1.0', 'Connection: \xa0keep-alive\r\n', false],
  ['HTTP/1.0', '', false],
  ['HTTP/1.0', 'Connection: keep-alive\r\n', true],
])('%s with %j keeps the connection: %s', (version, header, shouldKeepAlive) => {
  expect(parse(`${version} 200 OK\r\nContent-Length: 0\r\n${header}\r\n`).shouldKeepAlive).toBe(shouldKeepAlive);
});

describe('what can be read in two ways is refused:', () => {
  test.each([
    ['a length and chunks', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n'],
    ['the same length twice', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n'],
    ['a list of lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\n'],
    ['a length with a sign', 'HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\n'],
    ['another coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n'],
    ['two codings', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['a blank before the colon', 'HTTP/1.1 200 OK\r\nContent-Length : 3\r\n\r\n'],
    ['a folded header', 'HTTP/1.1 200 OK\r\nX-A: 1\r\n 2\r\n\r\n'],
    ['a header without a name', 'HTTP/1.1 200 OK\r\n: 1\r\n\r\n'],
    ['a line without a colon', 'HTTP/1.1 200 OK\r\nnothing\r\nX-A: 1\r\n\r\n'],
    ['a line that ends with LF only', 'HTTP/1.1 200 OK\nX-A: 1\r\n\r\n'],
    ['a lone CR', 'HTTP/1.1 200 OK\r\nX-A: 1\rX-B: 2\r\n\r\n'],
    ['a NUL', 'HTTP/1.1 200 OK\r\nX-A: \0\r\n\r\n'],
    ['another protocol', 'ICY 200 OK\r\n\r\n'],
    ['HTTP/2', 'HTTP/2 200\r\n\r\n'],
    ['no status', 'HTTP/1.1 20\r\n\r\n'],
    ['a protocol changed unasked', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n'],
    ['a chunk without a size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n'],
    ['a chunk of a size with a sign', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n'],
    ['a chunk that is longer', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n'],
    ['something after the end', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab'],
    ['a length after a no-break space', 'HTTP/1.1 200 OK\r\nContent-Length: \xa03\r\n\r\n'],
    ['a coding before a no-break space', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\xa0\r\n\r\n'],
    ['a coding with a tab', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\t\r\n\r\n'],
    ['an announcement with a header that is none', 'HTTP/1.1 103 Early Hints\r\nX-A\r\n\r\n'],
    ['an announcement with two lengths', 'HTTP/1.1 100 Continue\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
    ['an announcement that ends the connection', 'HTTP/1.1 100 Continue\r\nConnection: close\r\n\r\n'],
    ['an announcement in HTTP/1.0', 'HTTP/1.0 100 Continue\r\n\r\n'],
    ...[' ', '\t', ' ;a', ';', '; a', ';=b', ';a=', ';a;', ';a=b c', ';a="b', ';a="b"c', ';a\0', ';a=\xe4'].map(
      (extension) => [
        `a chunk with the extension ${JSON.stringify(extension)}`,
        `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1${extension}\r\na\r\n0\r\n\r\n`,
      ],
    ),
    ...[
      ...[
        'X-A',
        ': a',
        'X-A : a',
        ' X-A: a',
        'X-A: a\r\n b',
        'X-A: a\nX-B: b',
        'X-A: a\rX-B: b',
        'X-A: \0',
        'X-\xe4: a',
      ],
      ...['Content-Length: 1', 'Transfer-Encoding: chunked', 'Connection: close', 'Proxy-Connection: close'],
    ].map((trailer) => [
      `the trailer ${JSON.stringify(trailer)}`,
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${trailer}\r\n\r\n`,
    ]),
  ])('%s', (_what, response) => {
    expect(() => parse(response)).toThrow(MalformedResponse);
    expect(() => parse(response, { size: 1 })).toThrow(MalformedResponse);
  });
});

test.each([
  ['a head', `HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(70_000)}`],
  ['the size of a chunk', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;${'a'.repeat(70_000)}`],
  [
    'trailers',
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${`X-A: ${'a'.repeat(1_000)}\r\n`.repeat(20)}`,
  ],
])('%s that does not end is refused', (_what, response) => {
  expect(() => parse(response, { size: 1_000 })).toThrow('too long');
});

test('a header keeps a no-break space at its ends, and loses blanks and tabs', () => {
  const { headers } = parse('HTTP/1.1 204\r\nX-A: \t\xa0a\xa0\t \r\nX-B: \t \r\n\r\n');
  expect(headers).toEqual(['x-a', '\xa0a\xa0', 'x-b', '']);
});

test.each(['gzip', ''])('the coding %j of a response to HEAD is rejected', (coding) => {
  expect(() => parse(`HTTP/1.1 200 OK\r\nTransfer-Encoding: ${coding}\r\n\r\n`, { method: 'HEAD' })).toThrow('coding');
});

test.each([1_000, 65_537, 65_539, 100_000])(
  'a head of 64 KB is read in pieces of %i bytes, and one byte more is rejected',
  (size) => {
    const head = (length: number) =>
      `HTTP/1.1 204\r\nX-A: ${'a'.repeat(length - 'HTTP/1.1 204\r\nX-A: '.length)}\r\n\r\n`;
    expect(parse(head(64 * 1024), { size }).ended).toBe(true);
    expect(() => parse(head(64 * 1024 + 1), { size })).toThrow('too long');
  },
);

test.each([
  ['of a length', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na'],
  ['without a body', 'HTTP/1.1 204\r\n\r\n'],
  ['in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
])('bytes after a response %s are not the response to the next request', (_what, response) => {
  const ends: boolean[] = [];
  const parser = new ResponseParser({
    onHead: () => undefined,
    onData: () => undefined,
    onEnd: (_last, isClean) => ends.push(isClean),
  });
  parser.begin('GET');
  parser.read(Buffer.from(response));
  parser.begin('GET');
  expect(() => parser.read(Buffer.from(`${response}HTTP/1.1 204\r\n\r\n`))).toThrow(MalformedResponse);
  expect(ends).toEqual([true, false]);
});

test('a response that breaks off is not whole', () => {
  expect(parse('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab', { closes: true }).isWhole).toBe(false);
  expect(parse('HTTP/1.1 200 OK\r\nContent-Le', { closes: true }).isWhole).toBe(false);
  expect(parse('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n', { closes: true }).isWhole).toBe(
    false,
  );
});
