/** Checks that the gateway and services find the same end of each request. */
import { describe, expect, test } from 'vitest';
import { PATIENTS } from '../testing.ts';
import { expectRefusal, requestOf, shareGatewayAndRecorder, startGatewayAndRecorder, statusesIn } from './testing.ts';

const SMUGGLED = 'GET /api/v1/patients/smuggled HTTP/1.1\r\nHost: x\r\n\r\n';
const NO_CHUNKS = '0\r\n\r\n';

/** Returns the length and the coding that the service receives, and all that follows. */
const framingIn = (bytes: string): string =>
  bytes.slice(bytes.search(/(?:content-length|transfer-encoding): /)).replace('\r\n\r\n', ' | ');

describe('a length is refused, and goes nowhere, when it', () => {
  const refuses = shareGatewayAndRecorder();

  test.each([
    ['is there twice', ['Content-Length: 2', 'Content-Length: 2']],
    ['is there twice and differs', ['Content-Length: 2', 'Content-Length: 56']],
    ['is a list', ['Content-Length: 2, 2']],
    ['has a plus', ['Content-Length: +2']],
    ['is negative', ['Content-Length: -2']],
    ['is hexadecimal', ['Content-Length: 0x2']],
    ['is not a whole number', ['Content-Length: 2.0']],
    ['has a blank in it', ['Content-Length: 2 0']],
    ['is empty', ['Content-Length:']],
    ['has a vertical tab', ['Content-Length: \v2']],
    ['has a blank before its colon', ['Content-Length : 2']],
    ['does not fit into 64 bits', ['Content-Length: 99999999999999999999999']],
    ['stands before a Transfer-Encoding', ['Content-Length: 5', 'Transfer-Encoding: chunked']],
    ['stands after a Transfer-Encoding', ['Transfer-Encoding: chunked', 'Content-Length: 5']],
  ])('%s', async (_what, lines) => {
    await refuses(requestOf('POST', lines, `${NO_CHUNKS}${SMUGGLED}`), 400);
  });
});

test('a length that is more than this accepts is refused, and goes nowhere', async () => {
  const { send, upstream } = await startGatewayAndRecorder();
  const lengths = ['1048577', '9007199254740993', '9223372036854775808'];
  const responses = lengths.map((length) => send(requestOf('POST', [`Content-Length: ${length}`], SMUGGLED)));
  for (const response of await Promise.all(responses)) expectRefusal(response, 413);
  expect(upstream.bytes()).toBe('');
});

test.each(['Content-Length:   2  ', 'Content-Length:\t2', 'Content-Length: 002', 'content-LENGTH: 2'])(
  '%j is passed on as one plain length',
  async (line) => {
    const { send, upstream } = await startGatewayAndRecorder();
    expect(statusesIn(await send(requestOf('POST', [line], `ab${SMUGGLED}`)))).toEqual([200]);
    expect(upstream.completed).toEqual(['POST /api/v1/patients ab']);
    expect(framingIn(upstream.bytes())).toBe('content-length: 2 | ab');
  },
);

describe('a Transfer-Encoding is refused, and goes nowhere, when it is', () => {
  const refuses = shareGatewayAndRecorder();

  test.each([
    ['chunked twice', 400, ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked']],
    ['chunked twice in a list', 400, ['Transfer-Encoding: chunked, chunked']],
    ['chunked and then another', 400, ['Transfer-Encoding: chunked, identity']],
    ['chunked and then another, on two lines', 400, ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity']],
    ['not chunked', 400, ['Transfer-Encoding: xchunked']],
    ['identity', 400, ['Transfer-Encoding: identity']],
    ['empty', 400, ['Transfer-Encoding:']],
    ['quoted', 400, ['Transfer-Encoding: "chunked"']],
    ['chunked with a parameter', 400, ['Transfer-Encoding: chunked;q=1']],
    ['chunked after a vertical tab', 400, ['Transfer-Encoding: \vchunked']],
    ['chunked before a form feed', 400, ['Transfer-Encoding: chunked\f']],
    ['chunked on a folded line', 400, ['Transfer-Encoding:', ' chunked']],
    ['named with a blank before the colon', 400, ['Transfer-Encoding : chunked']],
    ['another before chunked', 501, ['Transfer-Encoding: gzip, chunked']],
    ['another before chunked, on two lines', 501, ['Transfer-Encoding: gzip', 'Transfer-Encoding: chunked']],
    ['an empty one before chunked', 501, ['Transfer-Encoding: ,chunked']],
  ])('%s', async (_what, status, lines) => {
    await refuses(requestOf('POST', lines, `${NO_CHUNKS}${SMUGGLED}`), status);
  });
});

test('a Transfer-Encoding before a tab, which the parser refuses late, comes to no end', async () => {
  const { send, upstream } = await startGatewayAndRecorder();
  expectRefusal(await send(requestOf('POST', ['Transfer-Encoding: chunked\t'], `${NO_CHUNKS}${SMUGGLED}`)), 400);
  expect(upstream.completed).toEqual([]);
  expect(upstream.bytes()).not.toMatch(/smuggled|0\r\n\r\n$/);
});

test('a Transfer-Encoding in HTTP/1.0, which has none, is refused', async () => {
  const { send, upstream } = await startGatewayAndRecorder();
  const head = 'POST /api/v1/patients HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked';
  expectRefusal(await send(`${head}\r\n\r\n${NO_CHUNKS}${SMUGGLED}`), 400);
  expect(upstream.bytes()).toBe('');
});

test.each(['Transfer-Encoding: ChUnKeD', 'Transfer-Encoding:\tchunked', 'TRANSFER-ENCODING: chunked'])(
  '%j is read, and passed on with the length that came',
  async (line) => {
    const { send, upstream } = await startGatewayAndRecorder();
    expect(statusesIn(await send(requestOf('POST', [line], `1\r\na\r\n${NO_CHUNKS}${SMUGGLED}`)))).toEqual([200]);
    expect(upstream.completed).toEqual(['POST /api/v1/patients a']);
    expect(framingIn(upstream.bytes())).toBe('content-length: 1 | a');
  },
);

test('a body in chunks of more than is read before is passed on as chunked', async () => {
  const { send, upstream } = await startGatewayAndRecorder();
  const [first, second] = ['a'.repeat(0x10001), 'b'.repeat(10)];
  const chunks = `10001\r\n${first}\r\na\r\n${second}\r\n${NO_CHUNKS}`;
  expect(statusesIn(await send(requestOf('POST', ['Transfer-Encoding: chunked'], `${chunks}${SMUGGLED}`)))).toEqual([
    200,
  ]);
  expect(upstream.completed).toEqual([`POST /api/v1/patients ${first}${second}`]);
  expect(framingIn(upstream.bytes())).toMatch(/^transfer-encoding: chunked \| [^|]*0\r\n\r\n$/);
});

test('a Transfer-Encoding that only looks like one is ignored', async () => {
  const { send, upstream } = await startGatewayAndRecorder();
  await send(requestOf('POST', ['Transfer_Encoding: chunked', 'Content_Length: 9', 'Content-Length: 5'], NO_CHUNKS));
  expect(upstream.completed).toEqual(['POST /api/v1/patients 0']);
  expect(upstream.bytes()).not.toMatch(/_/);
});

describe('of a body in chunks a service gets no end, and the client a refusal, when', () => {
  test.each([
    ['a size is not a number', 400, 'xyz\r\nabc\r\n'],
    ['a size has a prefix', 400, '0x1\r\na\r\n'],
    ['a size is negative', 400, '-1\r\na\r\n'],
    ['a size has a plus', 400, '+1\r\na\r\n'],
    ['a size has a blank before it', 400, ' 1\r\na\r\n'],
    ['a size has a blank after it', 400, '1 \r\na\r\n'],
    ['a size is missing', 400, '\r\na\r\n'],
    ['a size does not fit into 64 bits', 400, '10000000000000001\r\na\r\n'],
    ['a size ends with LF only', 400, '1\na\r\n'],
    ['a size ends with CR only', 400, '1\ra\r\n'],
    ['a chunk ends with LF only', 400, '1\r\na\n'],
    ['a chunk is longer than its size', 400, '1\r\nab\r\n'],
    ['an extension has a line end in quotes', 400, '1;a="\r\n"\r\na\r\n'],
    ['an extension has half a line end', 400, '1;a\nb\r\na\r\n'],
    ['an extension is larger than all headers may be', 400, `1;a=${'x'.repeat(20_000)}\r\na\r\n`],
    ['a trailer is invalid', 400, '1\r\na\r\n0\r\nbad\r\n\r\n'],
    ['a trailer has the length', 400, '1\r\na\r\n0\r\nContent-Length: 5\r\n\r\n'],
    ['the last line ends with LF only', 400, '1\r\na\r\n0\n\n'],
    ['trailers are larger than all headers may be', 431, `1\r\na\r\n0\r\n${'X-T: aaaaaaaa\r\n'.repeat(2_000)}\r\n`],
  ])('%s', async (_what, status, chunks) => {
    const { send, upstream } = await startGatewayAndRecorder();
    const sent = requestOf('POST', ['Transfer-Encoding: chunked'], `${chunks}${NO_CHUNKS}${SMUGGLED}`);
    expectRefusal(await send(sent), status);
    expect(upstream.completed).toEqual([]);
    expect(upstream.bytes()).not.toMatch(/smuggled|0\r\n\r\n$/);
  });
});

test.each([
  ['has no end', '1\r\na\r\n0\r\n'],
  ['is smaller than the size of its chunk', '80000000\r\na'],
])('a body in chunks that %s ends by the deadline', async (_what, chunks) => {
  const { send, upstream } = await startGatewayAndRecorder({ routes: [{ ...PATIENTS, timeoutMillis: 100 }] });
  expectRefusal(await send(requestOf('POST', ['Transfer-Encoding: chunked'], chunks)), 408);
  expect(upstream.completed).toEqual([]);
});

test('extensions of chunks, and trailers, are not passed on', async () => {
  const { send, upstream } = await startGatewayAndRecorder();
  const trailers = 'Host: evil\r\nX-Forwarded-For: 6.6.6.6\r\nAuthorization: evil\r\nX-T: evil\r\n';
  const body = `1;a=evil\r\na\r\n0;evil\r\n${trailers}\r\n`;
  expect(statusesIn(await send(requestOf('POST', ['Transfer-Encoding: chunked'], body)))).toEqual([200]);
  expect(upstream.completed).toEqual(['POST /api/v1/patients a']);
  expect(framingIn(upstream.bytes())).toBe('content-length: 1 | a');
  expect(upstream.bytes()).not.toMatch(/evil|6\.6\.6\.6/);
});

test('a body of a GET stays the body of that GET', async () => {
  const { send, upstream } = await startGatewayAndRecorder();
  await send(requestOf('GET', [`Content-Length: ${SMUGGLED.length}`], SMUGGLED));
  expect(upstream.completed).toEqual([`GET /api/v1/patients ${SMUGGLED}`.trimEnd()]);
});

describe('what follows on a connection', () => {
  test('after a request with Connection: close is not read', async () => {
    const { send, upstream } = await startGatewayAndRecorder();
    expect(statusesIn(await send(`${requestOf('GET')}${SMUGGLED}`))).toEqual([200]);
    expect(upstream.completed).toEqual(['GET /api/v1/patients']);
  });

  test.each([
    ['that cannot be read', 400, 'GET /api/v1/patients HTTP/1.1\r\nHost : x\r\n\r\n'],
    ['that can be read in two ways', 400, 'GET /api/v1/patients/%2e%2e HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['with an unknown expectation, so a body may follow', 417, 'POST /a HTTP/1.1\r\nHost: x\r\nExpect: x\r\n\r\n'],
  ])('after a request %s is not read', async (_what, status, refused) => {
    const { send, upstream } = await startGatewayAndRecorder();
    expectRefusal(await send(`${refused}${SMUGGLED}`), status);
    expect(upstream.bytes()).toBe('');
  });

  test('after a body that is too large belongs to that body', async () => {
    const { send, upstream } = await startGatewayAndRecorder();
    const refused = 'POST /api/v1/patients HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n';
    expectRefusal(await send(`${refused}${SMUGGLED}`), 413);
    expect(upstream.bytes()).toBe('');
  });

  test('after a request without Host gets its own response', async () => {
    const { send, upstream } = await startGatewayAndRecorder();
    expect(statusesIn(await send(`GET /api/v1/patients/1 HTTP/1.1\r\n\r\n${requestOf('GET')}`))).toEqual([400, 200]);
    expect(upstream.completed).toEqual(['GET /api/v1/patients']);
  });

  test('is refused after the responses to what could be read', async () => {
    const { send, upstream } = await startGatewayAndRecorder();
    const good = 'GET /api/v1/patients HTTP/1.1\r\nHost: x\r\n\r\n';
    expect(statusesIn(await send(`${good}${good}bad\r\n\r\n${SMUGGLED}`))).toEqual([200, 200, 400]);
    expect(upstream.completed).toHaveLength(2);
  });
});
