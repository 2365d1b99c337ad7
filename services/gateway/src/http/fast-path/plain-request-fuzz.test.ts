/**
 * Checks that the fast path reads a request only as node:http's own parser does (decision 32). Such a request must also
 * pass the check for ambiguous requests, which the fast path skips. The test mutates millions of requests at random.
 * DAYBOOK_FUZZ_SEED repeats a run, DAYBOOK_FUZZ_ROUNDS makes it longer.
 */
import { Socket } from 'node:net';
import { FUZZ_ROUNDS, FUZZ_SEED, fuzzRound, mutate, piecesOf, Random } from '@daybook/testing/fuzz';
import { Llhttp, type Reading } from '@daybook/testing/llhttp';
import { expect, test } from 'vitest';
import { ambiguityIn } from '../ambiguous-request.ts';
import { MAX_PLAIN_HEAD_LENGTH, type PlainHeaders, type PlainRequest, readPlainRequest } from './plain-request.ts';

const REQUESTS_A_ROUND = 50_000;
const MILLIS_A_ROUND = 10_000;
/** The rounds only compute, which takes time on a busy machine. */
const MOST_MILLIS = 120_000;
/** Of ten thousand requests. With fewer, the fuzz would test little but the hand-over to node:http. */
const LEAST_PLAIN = 1_000;
const MOST_CHANGES = 4;
const PIECES_OF_ONE_IN = 8;
/** The places in the pool that mutated requests may take. The first ones are plain. */
const PLACES_TO_CHANGE = 20;

const socket = new Socket();
/** Uses node:http's own limit. */
const llhttp = new Llhttp('requests', 16 * 1024);
const lines = (...all: string[]): string => all.map((line) => `${line}\r\n`).join('');
const HEADERS = [
  'Host: localhost:8080',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64)',
  'accept: application/json, */*;q=0.5',
  'Accept-Encoding: gzip, br',
  'Authorization: Bearer eyJhbGciOi.J9_-',
  'If-None-Match: W/"1", "2"',
  'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  'Cookie: a=b; c=d',
  'Connection: keep-alive',
];

const PLAIN = [
  lines('GET / HTTP/1.1', 'Host: x', ''),
  lines('HEAD /a HTTP/1.1', 'Host: x', ''),
  lines('GET /api/v1/patients?name=a%20b&limit=20 HTTP/1.1', ...HEADERS.slice(0, 4), ''),
  lines('GET /a HTTP/1.1', ...HEADERS.slice(0, 3).toReversed(), ''),
  lines('HEAD /a/b?c=d HTTP/1.1', 'Host: x:80', 'X-Any: \t one  two \t', 'Accept:*/*', 'Empty:', ''),
  lines('GET /%C3%A4?q=%20"<> HTTP/1.1', 'host: [::1]:8080', 'Connection: Keep-Alive', ''),
  lines('GET /a HTTP/1.1', 'Host: x', "!#$%&'*+-.^`|~09azAZ: a", ''),
];
const LONG = lines('GET /api/v1/patients HTTP/1.1', ...HEADERS, '');
/** More headers than llhttp returns in one call. */
const LONGER = lines(
  'GET /a HTTP/1.1',
  'Host: x',
  ...Array.from({ length: 40 }, (_, index) => `X-${index}: ${index}`),
  '',
);

/** Requests for node:http that a mutation may make plain. */
const OTHERS = [
  lines('POST /a HTTP/1.1', 'Host: x', 'Content-Length: 3', '', 'a'),
  `${lines('GET /a HTTP/1.1', 'Host: x', 'Content-Length: 3', '')}abc`,
  lines('GET /a HTTP/1.1', 'Host: x', 'Content-Length: 0', ''),
  lines('GET /a HTTP/1.1', 'Host: x', 'Content-Length: 3', 'Content-Length: 4', ''),
  lines('GET /a HTTP/1.1', 'Host: x', 'Transfer-Encoding: chunked', '', '1', 'a', '0', ''),
  lines('GET /a HTTP/1.1', 'Host: x', 'Transfer-Encoding: gzip, chunked', 'TE: trailers', 'Trailer: a', ''),
  lines('GET /a HTTP/1.1', 'Host: x', 'Content-Length: 3', 'Transfer-Encoding: chunked', '', '0', ''),
  lines('GET http://x/a HTTP/1.1', 'Host: x', ''),
  lines('GET /a HTTP/1.0', 'Host: x', 'Connection: keep-alive', ''),
  lines('GET /a HTTP/1.1', 'Host: x', 'Connection: close', ''),
  lines('GET /a HTTP/1.1', 'Host: x', 'Connection: keep-alive, X-A', 'Proxy-Connection: close', ''),
  lines('GET /a HTTP/1.1', 'Host: x', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', ''),
  lines('GET /a HTTP/1.1', 'Host: x', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: a', ''),
  lines('PUT /a HTTP/1.1', 'Host: x', 'Expect: 100-continue', 'Content-Length: 1', ''),
  lines('GET /a HTTP/1.1', 'Host: x', 'X-A: a', ' b', ''),
  lines('GET /a HTTP/1.1', 'Host: x', 'Host: y', ''),
  lines('CONNECT x:80 HTTP/1.1', 'Host: x', ''),
  lines('OPTIONS * HTTP/1.1', 'Host: x', ''),
  lines('GET /a HTTP/1.1', 'Host: x', '', 'HEAD /b HTTP/1.1', 'Host: y', ''),
  lines('', 'GET /a HTTP/1.1', 'Host: x', ''),
  lines('PRI * HTTP/2.0', '', 'SM', ''),
];

/** Returns how node:http reads a request that the fast path reads differently; undefined for no difference. */
function differenceOf(request: PlainRequest, { messages, error, isComplete }: Reading): unknown {
  const [message] = messages;
  const isOne = error === undefined && isComplete && messages.length === 1 && message?.isComplete === true;
  if (!isOne || message === undefined) return { error, isComplete, messages };
  const isSame =
    message.version === '1.1' &&
    message.method === request.method &&
    message.url === request.url &&
    message.shouldKeepAlive &&
    !message.isUpgrade &&
    message.body === '' &&
    areSame(message.headers, request.rawHeaders) &&
    hasSameNames(request, message.headers);
  return isSame ? undefined : message;
}

/** Ignores the order, because objects list numeric names first. */
const hasSameNames = ({ headers }: PlainRequest, list: readonly string[]): boolean =>
  Object.keys(headers).length === list.length / 2 &&
  list.every((text, index) => index % 2 === 1 || headers[text.toLowerCase()] === list[index + 1]);

const areSame = (some: readonly unknown[], others: readonly unknown[]): boolean =>
  some.length === others.length && some.every((item, index) => item === others[index]);

function compare(
  text: string,
  before: PlainHeaders | undefined,
  how: string,
  random: Random,
): PlainRequest | undefined {
  // The fast path does not read longer requests either.
  if (text.length > MAX_PLAIN_HEAD_LENGTH) return undefined;
  const request = readPlainRequest(text, socket, before);
  if (!request) return undefined;
  const bytes = Buffer.from(text, 'latin1');
  const pieces = random.below(PIECES_OF_ONE_IN) === 0 ? piecesOf(bytes, random) : [bytes];
  const difference = differenceOf(request, llhttp.read(pieces));
  if (difference !== undefined) {
    const { method, url, rawHeaders } = request;
    const shown = JSON.stringify({ text, fastPath: { method, url, rawHeaders }, node: difference }, undefined, 2);
    throw new Error(`${how}: the fast path reads a request in another way than node:http does: ${shown}`);
  }
  const { url, headers, rawHeaders } = request;
  const ambiguity = ambiguityIn({ url, headers, rawHeaders, socket, httpVersion: '1.1' });
  if (ambiguity)
    throw new Error(`${how}: an accepted request is ambiguous (${ambiguity.detail}): ${JSON.stringify(text)}`);
  return request;
}

function runRound(round: number): number {
  const random = new Random(FUZZ_SEED + round);
  const how = fuzzRound(round);
  // Plain requests are mutated again, so that a request can get far from its origin.
  const pool = [...PLAIN, ...PLAIN, ...PLAIN, ...PLAIN, ...OTHERS, LONG, LONGER];
  let before: PlainHeaders | undefined;
  let plain = 0;
  for (let index = 0; index < REQUESTS_A_ROUND; index += 1) {
    const from = random.of(pool);
    const text = mutate(from, 1 + random.below(random.below(2) === 0 ? 1 : MOST_CHANGES), random);
    const request = compare(text, before, how, random);
    if (!request) continue;
    plain += 1;
    before = request.memo;
    if (random.below(16) === 0) pool[random.below(PLACES_TO_CHANGE)] = text;
  }
  return plain;
}

test('the fast path reads a changed request as node:http does, or leaves it to node:http', {
  timeout: FUZZ_ROUNDS * MILLIS_A_ROUND,
}, () => {
  let plain = 0;
  for (let round = 0; round < FUZZ_ROUNDS; round += 1) plain += runRound(round);
  expect(plain / FUZZ_ROUNDS).toBeGreaterThan((REQUESTS_A_ROUND / 10_000) * LEAST_PLAIN);
});

test('the fast path reads no request that is cut at any byte, and none with another one or any byte after it', {
  timeout: MOST_MILLIS,
}, () => {
  const random = new Random(FUZZ_SEED);
  for (const text of [...PLAIN, LONG, LONGER]) {
    for (let end = 0; end < text.length; end += 1) {
      expect(compare(text.slice(0, end), undefined, fuzzRound(0), random)?.url).toBeUndefined();
      compare(text.slice(end), undefined, fuzzRound(0), random);
    }
    for (let byte = 0; byte < 256; byte += 1)
      compare(text + String.fromCharCode(byte), undefined, fuzzRound(0), random);
    for (const next of PLAIN) expect(compare(text + next, undefined, fuzzRound(0), random)?.url).toBeUndefined();
  }
});

test('the fast path reads any byte at any place as node:http does, or leaves it to node:http', {
  timeout: MOST_MILLIS,
}, () => {
  const random = new Random(FUZZ_SEED);
  for (const text of [...PLAIN, LONG]) {
    for (let at = 0; at <= text.length; at += 1) {
      for (let byte = 0; byte < 256; byte += 1) {
        const put = String.fromCharCode(byte);
        compare(text.slice(0, at) + put + text.slice(at + 1), undefined, fuzzRound(0), random);
        compare(text.slice(0, at) + put + text.slice(at), undefined, fuzzRound(0), random);
      }
    }
  }
});
