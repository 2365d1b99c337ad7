/**
 * Checks that the gateway reads a response as node:http's own parser does, or rejects it (decision 32). It mutates a
 * corpus at random and reads each response whole, byte by byte and in chunks. DAYBOOK_FUZZ_SEED repeats a run,
 * DAYBOOK_FUZZ_ROUNDS makes it longer.
 */
import { FUZZ_ROUNDS, FUZZ_SEED, fuzzRound, mutate, piecesOf, Random } from '@daybook/testing/fuzz';
import { Llhttp, type Message, type Reading } from '@daybook/testing/llhttp';
import { describe, expect, test } from 'vitest';
import { MalformedResponse, ResponseParser } from './response-parser.ts';

const CASES_A_ROUND = 1_500;
const MILLIS_A_ROUND = 10_000;
/** The rounds only compute, which takes time on a busy machine. */
const MOST_MILLIS = 120_000;
/** Of a hundred. With fewer, the fuzz would test little but rejections. */
const LEAST_ACCEPTED = 15;
const MOST_CHANGES = 4;
const LONGEST_BY_BYTE = 500;

/** More than the gateway's own limit, so that the gateway's limit applies. */
const llhttp = new Llhttp('responses', 128 * 1024);

interface Case {
  readonly text: string;
  /** The methods of the requests that the responses belong to. */
  readonly methods: readonly string[];
}

interface Seen {
  readonly status: number;
  readonly headers: readonly string[];
  readonly shouldKeepAlive: boolean;
  body: string;
  isWhole: boolean;
}

interface Outcome {
  readonly responses: readonly Seen[];
  /** Why it was rejected. */
  readonly error: string | undefined;
  /** The bytes of an incomplete response, from its first byte on; empty if it was rejected. */
  readonly rest: string;
  /** The bytes of a rejected response. With longer chunks, it includes more of the bytes that follow. */
  readonly rejected: string;
}

/** Reads chunks like a connection: one request at a time, the next after a complete response. */
function readPieces(pieces: Iterable<Buffer>, methods: readonly string[]): Outcome {
  const responses: Seen[] = [];
  let rest = '';
  let isUnderWay = false;
  let begun = 0;
  const finish = (last?: Buffer): void => {
    const response = responses.at(-1);
    if (!response) throw new Error('a response ended that had not begun');
    response.body += last?.toString('latin1') ?? '';
    response.isWhole = true;
    isUnderWay = false;
  };
  const parser = new ResponseParser({
    onHead: ({ status, headers, shouldKeepAlive }) => {
      responses.push({ status, headers, shouldKeepAlive, body: '', isWhole: false });
    },
    onData: (chunk) => {
      const response = responses.at(-1);
      if (response) response.body += chunk.toString('latin1');
    },
    onEnd: finish,
  });
  try {
    for (const piece of pieces) {
      const method = methods[begun];
      if (!isUnderWay && method !== undefined && responses.at(-1)?.shouldKeepAlive !== false) {
        parser.begin(method);
        begun += 1;
        isUnderWay = true;
        rest = '';
      }
      rest += piece.toString('latin1');
      parser.read(piece);
    }
    const isWhole = !isUnderWay || parser.close();
    return { responses, error: undefined, rest: isWhole ? '' : rest, rejected: '' };
  } catch (error) {
    if (!(error instanceof MalformedResponse)) throw error;
    return { responses, error: error.message, rest: '', rejected: rest };
  }
}

const PLACE = Buffer.alloc(256 * 1024);

/** Reuses the same memory for each chunk, as connections do. */
function* overwritten(pieces: Iterable<Buffer>): Generator<Buffer> {
  for (const piece of pieces) {
    piece.copy(PLACE);
    yield PLACE.subarray(0, piece.length);
  }
}

function* bytesOf(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 1) yield bytes.subarray(at, at + 1);
}

/** Returns whether a header comes after the last chunk. */
const endsWith = (text: string, name: string): boolean =>
  new RegExp(`\\r\\n0+(?:;.*)?(?=\\r\\n)[\\s\\S]*\\r\\n${name}:`, 'i').test(text);

/** The responses that only the gateway rejects: each error, and a condition that must then hold. */
const STRICTER: Record<string, (text: string) => boolean> = {
  // Node accepts such characters in the reason phrase. It also accepts a lone CR or LF before the response.
  'its head has characters that are not allowed': (text) =>
    /HTTP\/1\.[01] \d{3}[^\r\n]*[^\t\x20-\x7e\x80-\xff\r\n]|(?:^|\r\n\r\n)[\r\n]*(?:\r(?!\n)|(?<!\r)\n)|(?:\r(?!\n)|(?<!\r)\n)[\r\n]*HTTP/.test(
      text,
    ),
  // Empty lines before it, a version other than 1.0 and 1.1, or a status below 100.
  'its first line is not a status line': (text) =>
    /(?:^|\r\n\r\n)[\r\n]+(?:H|$)|HTTP\/(?!1\.[01] )|HTTP\/1\.[01] 0\d\d/.test(text),
  'it changes the protocol without a request for that': (text) => text.includes(' 101'),
  'its length can be read in two ways': (text) => /content-length:[ \t]*\d{16}/i.test(text),
  // A coding other than chunked, two codings, or one with a tab.
  'its transfer coding is not known': (text) =>
    /transfer-encoding:(?! *chunked *\r\n)|transfer-encoding:[\s\S]*transfer-encoding:/i.test(text),
  // More digits than any size needs. Or an extension with a missing name or value, a backslash or an unpaired quote.
  'the size of a chunk is not a number': (text) =>
    /\r\n[\da-f]{13}|\r\n[\da-f]+(?:;.*)?(?:;=|=[;\r]|[\\"])/i.test(text),
  'connection comes after the body': (text) => endsWith(text, 'connection'),
  'proxy-connection comes after the body': (text) => endsWith(text, 'proxy-connection'),
  'transfer-encoding comes after the body': (text) => endsWith(text, 'transfer-encoding'),
  'its head is too long': (text) => text.length > 64 * 1024,
  'a line is too long': (text) => text.length > 4 * 1024,
  'its trailers are too long': (text) => text.length > 16 * 1024,
};
const UNASKED = 'bytes arrived without a request';

/** Returns how the gateway's reading differs from node:http's; undefined for no difference. */
function differenceOf(
  { responses, error, rest, rejected }: Outcome,
  node: Reading,
  { methods }: Case,
): string | undefined {
  for (const [index, response] of responses.entries()) {
    const message = node.messages[index];
    if (!message) return 'the gateway reads one more response';
    const difference = differenceOfOne(response, message, methods[index]);
    if (difference !== undefined) return difference;
  }
  const isOver =
    responses.length > 0 && (responses.length === methods.length || responses.at(-1)?.shouldKeepAlive === false);
  const isAccepted = error === undefined && rest === '';
  if (isAccepted) {
    if (node.error !== undefined) return 'the gateway takes what node:http rejects';
    if (!node.isComplete) return 'the gateway takes for whole what is not';
    return node.messages.length === responses.length || isOver ? undefined : 'the gateway misses a response';
  }
  if (node.error !== undefined || !node.isComplete) return undefined;
  // Node reads on, although no request is left for the rest.
  if (error === UNASKED && responses.at(-1)?.isWhole) return undefined;
  if (error !== undefined) return STRICTER[error]?.(rejected) ? undefined : 'the gateway rejects what node:http takes';
  return /^[\r\n]+$/.test(rest) ? undefined : 'the gateway waits for more of what is whole';
}

/**
 * Node decides on these connections before it knows that there is no body. It expects the body to end with the
 * connection.
 */
const isHeadWithoutLength = ({ headers }: Seen, method: string | undefined): boolean =>
  method === 'HEAD' &&
  !headers.some((name, index) => index % 2 === 0 && /^(?:content-length|transfer-encoding)$/.test(name));

function differenceOfOne(response: Seen, message: Message, method: string | undefined) {
  const headers = message.headers.map((part, index) => (index % 2 === 0 ? part.toLowerCase() : part));
  if (response.status !== message.status) return 'another status';
  if (JSON.stringify(response.headers) !== JSON.stringify(headers)) return 'other headers';
  if (response.isWhole && !message.isComplete) return 'a response that is not whole for node:http';
  if (response.isWhole ? response.body !== message.body : !message.body.startsWith(response.body))
    return 'another body';
  if (response.shouldKeepAlive && !message.shouldKeepAlive && !isHeadWithoutLength(response, method))
    return 'a connection that node:http does not keep';
  const isEnded = !response.shouldKeepAlive && message.shouldKeepAlive && !mayEnd(message);
  return isEnded ? `a connection that node:http keeps after ${method}` : undefined;
}

/**
 * Returns whether the gateway may end a connection that node:http keeps. This covers `close` together with
 * `keep-alive`, and headers for proxies only.
 */
function mayEnd({ version, headers }: Message): boolean {
  const has = (name: string, value: RegExp) =>
    headers.some(
      (part, index) => index % 2 === 0 && part.toLowerCase() === name && value.test(headers[index + 1] ?? ''),
    );
  const isClosed = has('connection', /close/i) || has('proxy-connection', /close/i);
  return isClosed || (version === '1.0' && has('proxy-connection', /keep-alive/i));
}

const isSame = (outcome: Outcome, other: Outcome | undefined): boolean =>
  show({ ...outcome, rejected: '' }) === show({ ...other, rejected: '' });

const show = (value: unknown): string => JSON.stringify(value);

/** Returns whether the gateway accepted the response. */
function compare(given: Case, how: string, random: Random): boolean {
  const bytes = Buffer.from(given.text, 'latin1');
  // A long response would take too long byte by byte.
  const start = Math.max(0, bytes.length - LONGEST_BY_BYTE);
  const before = start === 0 ? [] : [bytes.subarray(0, start)];
  const tail = bytes.subarray(start);
  const node = llhttp.read([bytes], given.methods, true);
  const outcomes = [[...before, ...bytesOf(tail)], [...before, ...piecesOf(tail, random)], [bytes]].map((pieces) =>
    readPieces(overwritten(pieces), given.methods),
  );
  const [first] = outcomes;
  for (const [index, outcome] of outcomes.entries()) {
    const difference =
      differenceOf(outcome, node, given) ??
      (outcome.error === UNASKED || isSame(outcome, first) ? undefined : 'another reading than byte by byte');
    if (difference !== undefined) {
      const pieces = ['byte by byte', 'in pieces', 'whole'][index];
      throw new Error(`${how}: ${pieces}: ${difference}: ${show({ given, gateway: outcome, node })}`);
    }
  }
  return first?.error === undefined && first?.rest === '';
}

const lines = (...all: string[]): string => all.map((line) => `${line}\r\n`).join('');

/** The parts of a response: valid and invalid ones. */
type Choice = readonly [good: readonly string[], bad: readonly string[]];
const BAD_ONE_IN = 16;
const choose = ([good, bad]: Choice, random: Random): string => random.of(random.below(BAD_ONE_IN) === 0 ? bad : good);
const anyOf = (count: number, random: Random, make: () => string): string[] =>
  Array.from({ length: random.below(count) }, make);

const OK = 'HTTP/1.1 200 OK';
const STATUS_LINE: Choice = [
  [
    ...[
      OK,
      OK,
      OK,
      OK,
      OK,
      OK,
      'HTTP/1.0 200 OK',
      'HTTP/1.0 404 \t',
      'HTTP/1.1 404',
      'HTTP/1.1 404 ',
      'HTTP/1.1 500 \xc4rger',
    ],
    ...[
      'HTTP/1.1 204 No Content',
      'HTTP/1.1 304 Not Modified',
      'HTTP/1.1 205 Reset Content',
      'HTTP/1.1 999',
      'HTTP/1.0 204 None',
    ],
  ],
  [
    ...[
      'HTTP/1.2 200 OK',
      'HTTP/2.0 200 OK',
      'HTTP/0.9 200 OK',
      'HTTP/1.1 99 OK',
      'HTTP/1.1 099 OK',
      'HTTP/1.1 2000 OK',
    ],
    ...['HTTP/1.1  200 OK', 'HTTP/1.1 200OK', 'http/1.1 200 OK', 'ICY 200 OK', 'HTTP/1.1 101 Switching', '', ' '],
  ],
];
const INFORMATION: Choice = [
  [
    lines('HTTP/1.1 100 Continue', ''),
    lines('HTTP/1.1 102 Processing', 'X-A: b', ''),
    lines('HTTP/1.1 103 Early Hints', 'Link: </a>; rel=preload', ''),
    lines('HTTP/1.1 199 Any', 'Content-Length: 3', ''),
    lines('HTTP/1.1 100 Continue', 'Transfer-Encoding: chunked', ''),
  ],
  [
    lines('HTTP/1.0 100 Continue', ''),
    lines('HTTP/1.1 100 Continue', 'Connection: close', ''),
    lines('HTTP/1.1 100 Continue', 'X-A', ''),
    lines('HTTP/1.1 100 Continue', 'Content-Length: 3', 'Transfer-Encoding: chunked', ''),
  ],
];
const CONNECTIONS = [
  ...[
    'close',
    'keep-alive',
    'Keep-Alive, X-A',
    'x, CLOSE',
    '',
    'close, keep-alive',
    'upgrade',
    'closed',
    ',close',
    ',',
  ],
  ...['x close', 'close x', 'close\t', 'keep-alive\t', '\tkeep-alive', 'keep-alive\t,x', 'a,\tclose', 'keep-alive x'],
  ...['close\xa0', '\xa0keep-alive', 'keep-alive,,close'],
];
const HEADER: Choice = [
  [
    ...['Content-Type: text/plain', 'X-A:  one two \t', 'X-B:', 'Set-Cookie: a', 'Set-Cookie: b', 'X-C: \xe4\xa0'],
    ...['X-D: a\tb', 'X_L: a', 'Keep-Alive: timeout=5', 'Upgrade: websocket', 'Trailer: a'],
    ...CONNECTIONS.flatMap((value) => [`Connection: ${value}`, `Proxy-Connection: ${value}`]),
  ],
  [
    'x-\xe4: a',
    'X-E: a\x7f',
    'X-F : a',
    ' X-G: a',
    'X-H',
    ': a',
    'X-I: a\0',
    'X-J: a\n b',
    'X-K: a\r\n b',
    'X-M: a\rX: b',
  ],
];
const CODING: Choice = [
  ['chunked', 'Chunked', ' chunked '],
  [
    ...['gzip, chunked', 'chunked, gzip', 'identity', 'gzip', '', 'chunked,', 'xchunked', 'chunked\t', '\tchunked'],
    ...['\xa0chunked', 'chunked\xa0'],
  ],
];
const EXTENSION: Choice = [
  ['', '', '', ';a', ';a=b', ';a="b;c"', ';a=b;c=d', ';a="\t"', ';a=""'],
  [
    ...[
      ';',
      ';=',
      ';a=',
      ' ;a',
      '; a',
      ';a =b',
      ';a;',
      ' ',
      '\t',
      ';a="b',
      ';a\0',
      ';\xe4',
      ';a="\xe4"',
      ';a= b',
      ';a=b c',
    ],
    ...[';a=b,c', ';a="b"c', ';a=b"c"', ';"a"', ';a="\\""', ';a="\\'],
  ],
];
const TRAILER: Choice = [
  ['', '', '', 'X-T: a\r\n', 'X-T: a\r\nX-U:\r\n', 'X-T: \xe4\r\n'],
  [
    ...[
      'X-T : a\r\n',
      'X-T\r\n',
      ' X-T: a\r\n',
      'X-T: a\0\r\n',
      ': a\r\n',
      'X-T: a\r\n b\r\n',
      'X-T: a\n',
      'X-T: a\rX: b\r\n',
    ],
    ...[
      'Content-Length: 3\r\n',
      'Content-Length: x\r\n',
      'Transfer-Encoding: chunked\r\n',
      'Transfer-Encoding: gzip\r\n',
    ],
    ...['Connection: close\r\n', 'Proxy-Connection: close\r\n', 'X-\xe4: a\r\n'],
  ],
];
const PARTS = ['a', 'hello', 'HTTP/1.1 200 OK\r\n\r\n', '\r\n', '0\r\n\r\n', '\0\xff', 'x'.repeat(40)];

function chunk(part: string, random: Random): string {
  const digits = part.length.toString(16);
  const sizes: Choice = [
    [digits, digits.toUpperCase(), `0${digits}`, digits.padStart(12, '0')],
    [
      ...[digits.padStart(13, '0'), digits.padStart(17, '1'), '', `-${digits}`, `0x${digits}`, `${digits}.`],
      (part.length + 1).toString(16),
    ],
  ];
  return `${choose(sizes, random)}${choose(EXTENSION, random)}\r\n${part}`;
}

const chunks = (random: Random): string =>
  [
    ...anyOf(4, random, () => `${chunk(random.of(PARTS), random)}\r\n`),
    `${chunk('', random)}${choose(TRAILER, random)}\r\n`,
  ].join('');

function contentLength(length: number, random: Random): string {
  const values: Choice = [
    [`${length}`, `0${length}`, `${length} `, `\t${length}\t`],
    [
      ...[`${length}, ${length}`, `+${length}`, '-1', '', '1 2', `\xa0${length}`, `${length}\xa0`, `0x${length}`],
      ...[`${length}.0`, '9'.repeat(16), '9'.repeat(20), `${length + 1}`, `${Math.max(0, length - 1)}`],
    ],
  ];
  return `Content-Length: ${choose(values, random)}`;
}

/** Returns the headers about the body's length, and the body. */
function framed(random: Random): [headers: string[], body: string] {
  const part = random.of(PARTS).repeat(random.below(3));
  const length = contentLength(part.length, random);
  const coding = `Transfer-Encoding: ${choose(CODING, random)}`;
  const kind = random.below(40);
  if (kind < 16) return [[length], part];
  if (kind < 33) return [[coding], chunks(random)];
  if (kind < 37) return [[], part];
  if (kind === 37) return [[length, contentLength(part.length, random)], part];
  return kind === 38 ? [[length, coding], chunks(random)] : [[coding, coding], chunks(random)];
}

/** Returns a possible response, valid or not. */
function response(method: string, random: Random): string {
  const [framing, body] = framed(random);
  const headers = [...framing, ...anyOf(4, random, () => choose(HEADER, random))];
  const line = choose(STATUS_LINE, random);
  const hasBody = method !== 'HEAD' && !/ (?:204|304)/.test(line);
  return [
    random.below(6) === 0 ? choose(INFORMATION, random) : '',
    lines(line, ...(random.below(2) === 0 ? headers : headers.toReversed()), ''),
    hasBody || random.below(8) === 0 ? body : '',
  ].join('');
}

function anyCase(random: Random): Case {
  const count = random.of([1, 1, 1, 2, 3]);
  const methods = Array.from({ length: count }, () => random.of(['GET', 'GET', 'GET', 'POST', 'HEAD']));
  const text = methods.map((method) => response(method, random)).join(random.below(20) === 0 ? '\r\n' : '');
  return { methods, text: mutate(text, random.below(2) === 0 ? 0 : 1 + random.below(MOST_CHANGES), random) };
}

test('the gateway reads a changed response as node:http does, in any pieces, or rejects it by a rule', {
  timeout: FUZZ_ROUNDS * MILLIS_A_ROUND,
}, () => {
  let accepted = 0;
  for (let round = 0; round < FUZZ_ROUNDS; round += 1) {
    const random = new Random(FUZZ_SEED + round);
    for (let index = 0; index < CASES_A_ROUND; index += 1) {
      if (compare(anyCase(random), fuzzRound(round), random)) accepted += 1;
    }
  }
  expect((accepted * 100) / (FUZZ_ROUNDS * CASES_A_ROUND)).toBeGreaterThan(LEAST_ACCEPTED);
});

/** Bytes that resemble others, so inserting them would not add a case. */
const LIKE_OTHERS = /[2-9b-eh-wyzB-EH-WYZ\x81-\x9f\xa1-\xfe]/;
const CHUNKED_HEAD = lines('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', '');
const BASES: [string, string][] = [
  ['with a length', `${lines('HTTP/1.1 200 OK', 'Content-Length: 5', 'Connection: keep-alive', '')}hello`],
  ['in chunks', `${CHUNKED_HEAD}5;a="b"\r\nhello\r\n0;c=d\r\nX-T: a\r\n\r\n`],
  ['until the connection ends', `${lines('HTTP/1.0 404 Not Found', 'X-A:  b \t', '')}all of it`],
  [
    'after an announcement',
    `${lines('HTTP/1.1 103 Early Hints', 'Link: </a>', '')}${lines('HTTP/1.1 204', 'X-A:', '')}`,
  ],
];

describe('the gateway reads any byte at any place as node:http does, or rejects it by a rule: a response', {
  timeout: MOST_MILLIS,
}, () => {
  test.each(BASES)('%s', (_what, text) => {
    const random = new Random(FUZZ_SEED);
    for (let at = 0; at <= text.length; at += 1) {
      compare({ text: text.slice(0, at), methods: ['GET'] }, 'cut', random);
      for (let byte = 0; byte < 256; byte += 1) {
        const put = String.fromCharCode(byte);
        compare({ text: text.slice(0, at) + put + text.slice(at + 1), methods: ['GET'] }, 'another byte', random);
        if (LIKE_OTHERS.test(put)) continue;
        compare({ text: text.slice(0, at) + put + text.slice(at), methods: ['GET'] }, 'one byte more', random);
      }
    }
  });
});

describe('the gateway finds the same end of what is as long as it may be, in any pieces:', {
  timeout: MOST_MILLIS,
}, () => {
  const around = (limit: number): number[] => Array.from({ length: 13 }, (_, index) => limit - 6 + index);
  test.each([
    [
      'a head',
      64 * 1024,
      (length: number) => lines('HTTP/1.1 204', `X-A: ${'a'.repeat(length - 'HTTP/1.1 204\r\nX-A: '.length)}`, ''),
    ],
    [
      'the line of a chunk',
      4 * 1024,
      (length: number) => `${CHUNKED_HEAD}1;${'a'.repeat(length - 2)}\r\na\r\n0\r\n\r\n`,
    ],
    [
      'trailers',
      16 * 1024,
      (length: number) =>
        `${CHUNKED_HEAD}0\r\n${`X-A: ${'a'.repeat(1_019)}\r\n`.repeat(15)}X-A: ${'a'.repeat(length - 15 * 1024 - 5)}\r\n\r\n`,
    ],
  ])('%s', (_what, limit, textOf) => {
    const random = new Random(FUZZ_SEED);
    const taken = around(limit).filter((length) =>
      compare({ text: textOf(length), methods: ['GET'] }, `${length}`, random),
    );
    expect(taken).toEqual(around(limit).filter((length) => length <= limit));
  });
});
