/** Checks that claims of clients about connections, proxies and themselves do not reach a service in any form. */
import { describe, expect, test } from 'vitest';
import { requestOf, shareGatewayAndRecorder, startGatewayAndRecorder, statusesIn } from './testing.ts';

/** Returns the headers that a service receives, without those of every request. */
async function headersFor(lines: readonly string[], trustedProxies: readonly string[] = []): Promise<string[]> {
  const { send, upstream } = await startGatewayAndRecorder({ trustedProxies });
  expect(statusesIn(await send(requestOf('GET', lines)))).toEqual([200]);
  const [head = ''] = upstream.bytes().split('\r\n\r\n');
  return head.split('\r\n').slice(1);
}

const OWN = [
  expect.stringMatching(/^host: 127\.0\.0\.1:\d+$/),
  'connection: keep-alive',
  expect.stringMatching(/^x-request-id: [0-9a-f-]{36}$/),
  expect.stringMatching(/^traceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/),
  'x-forwarded-for: 127.0.0.1',
  'x-forwarded-host: x',
  'x-forwarded-proto: http',
];

describe('a service learns from the gateway alone where a request comes from, whatever the client sends:', () => {
  test.each([
    ['X-Forwarded-For: 6.6.6.6'],
    ['X-Forwarded-For: 6.6.6.6, 127.0.0.1', 'X-Forwarded-For: 7.7.7.7'],
    ['x-FORWARDED-for: 6.6.6.6'],
    ['X_Forwarded_For: 6.6.6.6'],
    ['X-Forwarded_For: 6.6.6.6'],
    ['X-Forwarded-Host: evil.example', 'X-Forwarded-Port: 1', 'X-Forwarded-Proto: https', 'X-Forwarded-Prefix: /evil'],
    ['X-Forwarded-Server: evil', 'X-Forwarded-User: admin', 'X-Forwarded-Ssl: on'],
    ['Forwarded: for=6.6.6.6;host=evil.example;proto=https'],
    ['X-Real-IP: 6.6.6.6', 'X_Real_IP: 6.6.6.6'],
    ['X-User: admin', 'X-User-Id: 1', 'X_User_Id: 1', 'X-Auth-Request-Email: a@b', 'Remote-User: a', 'Remote_User: a'],
    ['X-Daybook-Role: administrator', 'X_Daybook_Role: administrator', 'X-Remote-User: a'],
    ['Traceparent: nonsense', 'X-Request-Id:'],
    ['X-Request-Id: a', 'X-Request-Id: b'],
    ['X-Request-Id: a b'],
    ['X-Request-Id: ../../a'],
    ['X-Request-Id: <script>'],
    [`X-Request-Id: ${'a'.repeat(65)}`],
    ['X_Request_Id: mine'],
  ])('%s', async (...lines) => {
    expect(await headersFor(lines)).toEqual(OWN);
  });
});

test('a trusted proxy’s X-Forwarded-For is continued, and no line of it is lost', async () => {
  const lines = ['X-Forwarded-For: 6.6.6.6', 'X-Forwarded-For: 192.0.2.7', 'X_Forwarded_For: 7.7.7.7'];
  const headers = await headersFor(lines, ['127.0.0.1']);
  expect(headers.filter((line) => line.includes('orwarded'))).toEqual([
    'x-forwarded-for: 6.6.6.6, 192.0.2.7, 127.0.0.1',
    'x-forwarded-host: x',
    'x-forwarded-proto: http',
  ]);
});

describe('headers for one connection end at the gateway:', () => {
  test.each([
    ['Connection: close, TE', 'Connection:keep-alive ,\ttrailer,', 'TE: trailers', 'Trailer: X-Sum'],
    ['Keep-Alive: timeout=1, max=1'],
    ['Proxy-Connection: keep-alive'],
    ['Proxy-Authorization: Basic eDp5', 'Proxy-Authenticate: Basic'],
    ['TE: trailers, deflate', 'Trailer: X-Sum'],
    ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA'],
    ['Connection: Upgrade', 'Upgrade: TLS/1.2, h2c'],
  ])('%s', async (...lines) => {
    expect(await headersFor(lines)).toEqual(OWN);
  });

  test('Transfer-Encoding, which does not change the framing of the gateway', async () => {
    const { send, upstream } = await startGatewayAndRecorder();
    const lines = ['Connection: Transfer-Encoding', 'Content-Length: 1'];
    expect(statusesIn(await send(requestOf('POST', lines, 'a')))).toEqual([200]);
    expect(upstream.completed).toEqual(['POST /api/v1/patients a']);
    const [head = ''] = upstream.bytes().split('\r\n\r\n');
    expect(head.split('\r\n').slice(1)).toEqual([...OWN, 'content-length: 1']);
  });
});

describe('gateway rejects a Connection that names a header for the service:', () => {
  const refuses = shareGatewayAndRecorder();
  test.each([
    ['Connection: Idempotency-Key', 'Idempotency-Key: a'],
    ['Connection: close, if-match', 'If-Match: "1"'],
    ['Connection: close', 'Connection: AUTHORIZATION', 'Authorization: Bearer a'],
    ['Connection:keep-alive ,\tcookie,', 'Cookie: a=b'],
    ['Connection: X-Own', 'X-Own: 1'],
    ['Connection: Upgrade, Idempotency-Key', 'Upgrade: websocket', 'Idempotency-Key: a'],
    ...['Host', 'X-Forwarded-For', 'X-Request-Id', 'Traceparent', 'Content-Length'].map((name) => [
      `Connection: ${name}`,
    ]),
  ])('%s', async (...lines) => {
    await refuses(requestOf('POST', [...lines, 'Content-Length: 1'], 'a'), 400);
  });
});

describe('Expect', () => {
  test.each(['100-continue', '100-Continue', '100-continue\r\nExpect: 100-continue'])(
    '%j gets its response here and is not forwarded',
    async (value) => {
      const { send, upstream } = await startGatewayAndRecorder();
      const response = await send(requestOf('POST', [`Expect: ${value}`, 'Content-Length: 1'], 'a'));
      expect(statusesIn(response)).toEqual([100, 200]);
      expect(upstream.completed).toEqual(['POST /api/v1/patients a']);
      expect(upstream.bytes()).not.toMatch(/expect/i);
    },
  );

  test('of HTTP/1.0 gets no 100 Continue', async () => {
    const { send, upstream } = await startGatewayAndRecorder();
    const head = 'POST /api/v1/patients HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1';
    expect(statusesIn(await send(`${head}\r\n\r\na`))).toEqual([200]);
    expect(upstream.bytes()).not.toMatch(/expect/i);
  });

  test.each(['foo', '200-ok', ''])('%j is refused, and goes nowhere', async (value) => {
    const { send, upstream } = await startGatewayAndRecorder();
    const response = await send(requestOf('POST', [`Expect: ${value}`, 'Content-Length: 1'], 'a'));
    expect(statusesIn(response)).toEqual([417]);
    expect(upstream.bytes()).toBe('');
  });
});
