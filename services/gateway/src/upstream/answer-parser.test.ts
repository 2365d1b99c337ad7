import { describe, expect, test } from 'vitest';
import { AnswerParser, UnreadableAnswer } from './answer-parser.ts';

/** What a parser makes of bytes that come in pieces of so many. */
function parse(text: string, { method = 'GET', size = text.length, closes = false } = {}) {
  const seen = { status: 0, headers: [] as string[], body: '', isKept: false, ended: false };
  const parser = new AnswerParser({
    onStart({ status, headers, isKept }) {
      Object.assign(seen, { status, headers, isKept });
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
  // The same memory again for each piece, as connections read.
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

describe('an answer is read the same in one piece and in any other pieces', () => {
  test.each([1, 2, 3, 5, 7, 64, 10_000])('of %i bytes: in chunks', (size) => {
    expect(parse(CHUNKED, { size })).toEqual({
      status: 200,
      headers: ['transfer-encoding', 'chunked', 'x-a', 'one', 'x-b', ''],
      body: 'hello, world\r\n.',
      isKept: true,
      ended: true,
      isWhole: true,
    });
  });

  test.each([1, 2, 3, 5, 7, 64, 10_000])('of %i bytes: of a length', (size) => {
    const answer = 'HTTP/1.1 404 \r\nContent-Length: 4\r\nConnection: close\r\n\r\ngone';
    expect(parse(answer, { size })).toMatchObject({ status: 404, body: 'gone', isKept: false, ended: true });
  });

  test.each([1, 3, 10_000])('of %i bytes: until the connection ends', (size) => {
    const answer = 'HTTP/1.0 200 OK\r\n\r\nall of it';
    expect(parse(answer, { size })).toMatchObject({ body: 'all of it', isKept: false, ended: false });
    expect(parse(answer, { size, closes: true })).toMatchObject({ ended: true, isWhole: true });
  });
});

test.each([
  ['to HEAD', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'],
  ['204', 'GET', 'HTTP/1.1 204 No Content\r\n\r\n'],
  ['304', 'GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n'],
  ['of no length', 'GET', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
])('an answer %s has no body and leaves the connection', (_what, method, answer) => {
  expect(parse(answer, { method })).toMatchObject({ body: '', isKept: true, ended: true });
});

test.each([
  ['HTTP/1.1', '', true],
  ['HTTP/1.1', 'Connection: keep-alive\r\n', true],
  ['HTTP/1.1', 'Connection: X-Private, Close\r\n', false],
  ['HTTP/1.1', 'Connection: X-Private\r\n', true],
  ['HTTP/1.1', 'Connection: x\r\nConnection: close\r\n', false],
  ['HTTP/1.0', '', false],
  ['HTTP/1.0', 'Connection: keep-alive\r\n', true],
])('%s with %j keeps the connection: %s', (version, header, isKept) => {
  expect(parse(`${version} 200 OK\r\nContent-Length: 0\r\n${header}\r\n`).isKept).toBe(isKept);
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
  ])('%s', (_what, answer) => {
    expect(() => parse(answer)).toThrow(UnreadableAnswer);
    expect(() => parse(answer, { size: 1 })).toThrow(UnreadableAnswer);
  });
});

test.each([
  ['a head', `HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(70_000)}`],
  ['the size of a chunk', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;${'a'.repeat(70_000)}`],
  [
    'trailers',
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${`X-A: ${'a'.repeat(1_000)}\r\n`.repeat(20)}`,
  ],
])('%s that does not end is refused', (_what, answer) => {
  expect(() => parse(answer, { size: 1_000 })).toThrow('too long');
});

test('an answer that breaks off is not whole', () => {
  expect(parse('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab', { closes: true }).isWhole).toBe(false);
  expect(parse('HTTP/1.1 200 OK\r\nContent-Le', { closes: true }).isWhole).toBe(false);
  expect(parse('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n', { closes: true }).isWhole).toBe(
    false,
  );
});
