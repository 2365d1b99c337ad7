/** Checks that invalid headers, hosts and versions are not forwarded, and that oversized ones are not read. */
import { describe, expect, test } from 'vitest';
import { requestOf, shareGatewayAndRecorder, startGatewayAndRecorder, statusesIn } from './testing.ts';

const BESIDE = 'GET /api/v1/patients HTTP/1.1\r\nConnection: close\r\n';

describe('refused, and goes nowhere: a header', () => {
  const refuses = shareGatewayAndRecorder();
  test.each([
    ['with a NUL in its value', 'X-A: a\0b'],
    ['with a control character in its value', 'X-A: a\x01b'],
    ['with a vertical tab in its value', 'X-A: a\vb'],
    ['with a DEL in its value', 'X-A: a\x7fb'],
    ['with LF in its value', 'X-A: a\nX-B: b'],
    ['with CR in its value', 'X-A: a\rX-B: b'],
    ['after two CR', 'X-A: a\r\rX-B: b'],
    ['with a NUL in its name', 'X-\0A: a'],
    ['with a control character in its name', 'X-\x01A: a'],
    ['with a byte in its name that is not ASCII', 'X-\xc3: a'],
    ['with brackets in its name', 'X(A): a'],
    ['with a blank in its name', 'X A: a'],
    ['with a blank before its colon', 'X-A : a'],
    ['with a tab before its colon', 'X-A\t: a'],
    ['without a name', ': a'],
    ['without a colon', 'nothing'],
    ['folded by a blank', 'X-A: a\r\n b'],
    ['folded by a tab', 'X-A: a\r\n\tb'],
  ])('%s', async (_what, line) => {
    await refuses(requestOf('GET', [line]), 400);
  });

  test.each([
    ['before all others that begins with a blank', ' Host: x\r\nHost: x\r\n\r\n'],
    ['and all lines that end with LF only', 'Host: x\nX-A: a\n\n'],
    ['and an end of LF only', 'Host: x\r\n\n'],
  ])('%s', async (_what, rest) => {
    await refuses(`${BESIDE}${rest}`, 400);
  });
});

describe('refused, and goes nowhere: a Host that', () => {
  const refuses = shareGatewayAndRecorder();
  test.each([
    ['is there twice', 'Host: x\r\nHost: x'],
    ['is there twice and differs', 'Host: x\r\nhOST: evil.example'],
    ['is missing', 'X-A: a'],
    ['is empty', 'Host:'],
    ['is a list', 'Host: x, y'],
    ['has a path', 'Host: x/y'],
    ['has a query', 'Host: x?y'],
    ['has a fragment', 'Host: x#y'],
    ['has a user', 'Host: a:b@x'],
    ['has a blank', 'Host: x y'],
    ['has an invalid port', 'Host: x:80a'],
    ['has two ports', 'Host: x:80:81'],
    ['has brackets around no address', 'Host: [x]'],
    ['has markup', 'Host: "><script>'],
    ['has bytes that are no ASCII', 'Host: \xe4'],
  ])('%s', async (_what, line) => {
    await refuses(`${BESIDE}${line}\r\n\r\n`, 400);
  });
});

test.each(['daybook.example', 'x:8080', '127.0.0.1:80', '[::1]:80', '[::1]', 'a_b-c.', 'xn--4ca.example'])(
  'the Host %s is forwarded as the requested host',
  async (host) => {
    const { send, upstream } = await startGatewayAndRecorder({ hosts: [host.replace(/:\d+$/, '')] });
    expect(statusesIn(await send(`${BESIDE}Host: ${host}\r\n\r\n`))).toEqual([200]);
    expect(upstream.bytes()).toContain(`\r\nx-forwarded-host: ${host}\r\n`);
  },
);

describe('refused, and goes nowhere: a first line', () => {
  const refuses = shareGatewayAndRecorder();
  test.each([
    ['of HTTP/0.9', 505, 'GET /api/v1/patients'],
    ['that names HTTP/0.9', 505, 'GET /api/v1/patients HTTP/0.9'],
    ['that names HTTP/2.0', 505, 'GET /api/v1/patients HTTP/2.0'],
    ['of another HTTP/1', 400, 'GET /api/v1/patients HTTP/1.2'],
    ['of a version with two digits', 400, 'GET /api/v1/patients HTTP/1.10'],
    ['of HTTP in small letters', 400, 'GET /api/v1/patients http/1.1'],
    ['of another protocol', 400, 'GET /api/v1/patients ICY/1.1'],
    ['with a blank at its end', 400, 'GET /api/v1/patients HTTP/1.1 '],
    ['with a tab between its words', 400, 'GET\t/api/v1/patients\tHTTP/1.1'],
    ['with an unknown method', 400, 'FETCH /api/v1/patients HTTP/1.1'],
    ['with a method in small letters', 400, 'get /api/v1/patients HTTP/1.1'],
    ['without a path', 400, 'GET HTTP/1.1'],
    ['that ends with LF only', 400, 'GET /api/v1/patients HTTP/1.1\nX-A: a'],
    ['that ends with CR only', 400, 'GET /api/v1/patients HTTP/1.1\rX-A: a'],
  ])('%s', async (_what, status, line) => {
    await refuses(`${line}\r\nHost: x\r\nConnection: close\r\n\r\n`, status);
  });

  test('that begins HTTP/2', async () => {
    await refuses('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400);
  });

  test('that begins TLS', async () => {
    await refuses('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400);
  });
});

test('a first line with two blanks is passed on with one', async () => {
  const { send, upstream } = await startGatewayAndRecorder();
  await send('\r\nGET  /api/v1/patients HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  expect(upstream.bytes()).toMatch(/^GET \/api\/v1\/patients HTTP\/1\.1\r\n/);
});

test('HTTP/1.0 needs no Host, keeps its connection on request, and is forwarded as HTTP/1.1', async () => {
  const { send, upstream } = await startGatewayAndRecorder();
  const first = 'GET /api/v1/patients/1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n';
  expect(statusesIn(await send(`${first}GET /api/v1/patients/2 HTTP/1.0\r\n\r\n`))).toEqual([200, 200]);
  expect(upstream.completed).toEqual(['GET /api/v1/patients/1', 'GET /api/v1/patients/2']);
  expect(upstream.bytes()).toMatch(/^GET \/api\/v1\/patients\/1 HTTP\/1\.1\r\nhost: 127\.0\.0\.1:/);
});

describe('refused with 431, and goes nowhere:', () => {
  const refuses = shareGatewayAndRecorder();
  test.each([
    ['one header that is huge', requestOf('GET', [`X-A: ${'x'.repeat(2_000_000)}`])],
    ['one name that is huge', requestOf('GET', [`${'x'.repeat(2_000_000)}: a`])],
    ['headers that are huge together', requestOf('GET', Array(1_000).fill(`X-A: ${'x'.repeat(1_000)}`))],
    ['many headers that are short', requestOf('GET', Array(20_000).fill('a: b'))],
    ['more headers than are counted', requestOf('GET', Array(1_100).fill('a:'))],
    ['a path that is huge', requestOf('GET').replace(' HTTP', `/${'x'.repeat(20_000)} HTTP`)],
    ['a query that is huge', requestOf('GET').replace(' HTTP', `?${'x'.repeat(20_000)} HTTP`)],
    ['headers that do not end', `${BESIDE}Host: x\r\nX-A: ${'x'.repeat(20_000)}`],
  ])('%s', async (_what, bytes) => {
    await refuses(bytes, 431);
  });
});

test('no header is lost among many', async () => {
  const { send, upstream } = await startGatewayAndRecorder();
  const many = Array.from({ length: 900 }, (_, index) => `${index}:`);
  expect(statusesIn(await send(requestOf('POST', [...many, 'Content-Length: 1'], 'a')))).toEqual([200]);
  expect(upstream.completed).toEqual(['POST /api/v1/patients a']);
  expect(upstream.bytes()).toContain('\r\n899: \r\n');
});
