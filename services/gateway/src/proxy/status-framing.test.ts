/** Checks that a filter's status never makes a client read one response as part of another. Uses raw sockets. */
import { connect } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { startRawServer } from '../hardening/testing.ts';
import { PATIENTS, startGateway } from '../testing.ts';

const WAIT = { timeout: 10_000, interval: 5 };
const NEXT = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext';

/** `lines` decide which parser reads the request, because the fast path does not accept `Expect`. */
const requestOf = (method: string, ...lines: string[]) =>
  [`${method} /api/v1/patients HTTP/1.1`, 'Host: x', ...lines, '', ''].join('\r\n');
const FAST_PATH: string[] = [];
const NODE = ['Connection: TE, keep-alive'];

/** Returns the responses to two requests on one connection. The second request is sent after the first response. */
async function responsesTo(response: string, status: number | undefined, method: string, lines: string[]) {
  let count = 0;
  const { url } = await startRawServer(() => (count++ === 0 ? response : NEXT));
  const filters = status === undefined ? [] : [{ setStatus: status }];
  const { port } = await startGateway({ patients: [url], routes: [{ ...PATIENTS, filters }] });
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  let received = '';
  socket.on('data', (piece: Buffer) => {
    received += piece.toString('latin1');
  });
  socket.write(requestOf(method, ...lines));
  await vi.waitFor(() => expect(received).toContain('\r\n\r\n'), WAIT);
  socket.write(requestOf('GET', ...lines));
  await vi.waitFor(() => expect(received).toMatch(/next$/), WAIT);
  const begin = received.indexOf('\r\n\r\n') + 4;
  const [first = '', second = ''] = [received.slice(0, begin), received.slice(begin)];
  return {
    status: Number(first.slice(9, 12)),
    length: /^content-length: (\d+)\r$/im.exec(first)?.[1],
    chunked: /^transfer-encoding: chunked\r$/im.test(first),
    second,
  };
}

const responseOf = (status: number, ...lines: string[]) => [`HTTP/1.1 ${status} X`, ...lines, '', ''].join('\r\n');

describe.each([
  ['the fast path', FAST_PATH],
  ['node:http', NODE],
])('a connection of %s stays in order when', (_reader, lines) => {
  test.each([
    ['204 with a length becomes 200', responseOf(204, 'Content-Length: 9'), 200, 'GET', 200, '0'],
    ['204 without a length becomes 200', responseOf(204), 200, 'GET', 200, '0'],
    ['304 with a length stays 304', responseOf(304, 'Content-Length: 9'), 200, 'GET', 304, '9'],
    ['304 with a length is sent to HEAD', responseOf(304, 'Content-Length: 9'), 200, 'HEAD', 304, '9'],
    ['204 with a length stays 204', responseOf(204, 'Content-Length: 9'), undefined, 'GET', 204, undefined],
    ['204 with a length is sent to HEAD', responseOf(204, 'Content-Length: 9'), undefined, 'HEAD', 204, undefined],
    ['204 becomes 202 for HEAD', responseOf(204, 'Content-Length: 9'), 202, 'HEAD', 202, undefined],
    ['200 becomes 202 for HEAD', responseOf(200, 'Content-Length: 9'), 202, 'HEAD', 202, '9'],
    ['205 has a body', `${responseOf(205, 'Content-Length: 4')}body`, undefined, 'GET', 205, '0'],
    [
      '205 has a body in chunks',
      `${responseOf(205, 'Transfer-Encoding: chunked')}4\r\nbody\r\n0\r\n\r\n`,
      undefined,
      'GET',
      205,
      '0',
    ],
    ['a 103 comes before', `${responseOf(103)}${responseOf(204, 'Content-Length: 9')}`, 200, 'GET', 200, '0'],
  ])('%s', async (_what, response, changed, method, status, length) => {
    const got = await responsesTo(response, changed, method, lines);
    expect(got).toMatchObject({ status, length, chunked: false });
    expect(got.second).toMatch(/^HTTP\/1\.1 (?:200|\d{3}) /);
    expect(got.second.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  });
});

test.each([
  [204, 200, '0'],
  [304, 304, '9'],
])('a handshake that is answered %i has no body', async (received, sent, length) => {
  const { url } = await startRawServer(() => responseOf(received, 'Content-Length: 9'));
  const routes = [{ ...PATIENTS, filters: [{ setStatus: 200 }] }];
  const { port } = await startGateway({ patients: [url], routes });
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  let text = '';
  const closed = Promise.withResolvers<void>();
  socket.on('data', (piece: Buffer) => {
    text += piece.toString('latin1');
  });
  socket.on('close', () => closed.resolve());
  const key = ['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='];
  socket.write(requestOf('GET', 'Connection: Upgrade', 'Upgrade: websocket', ...key));
  await closed.promise;
  expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${sent} `));
  expect(text).toMatch(new RegExp(`^content-length: ${length}\r$`, 'm'));
  expect(text).toMatch(/\r\n\r\n$/);
});
