/** Checks that slow clients do not hold a connection. The tests wait for the gateway to close it. */
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import { PATIENTS } from '../testing.ts';
import { expectRefusal, requestOf, startGatewayAndRecorder } from './testing.ts';

const clientTimeouts = { requestMillis: 100, checkMillis: 20 };
const routes = [{ ...PATIENTS, timeoutMillis: 100 }];
const patient = [{ ...PATIENTS, timeouts: { totalMillis: 300 } }];

describe('a slow client gets 408, and no service a request:', () => {
  test.each([
    ['one that sends nothing', ''],
    ['one that sends half a first line', 'GET /api/v1/pat'],
    ['one that sends a first line', 'GET /api/v1/patients HTTP/1.1\r\n'],
    ['one that sends half a header', 'GET /api/v1/patients HTTP/1.1\r\nHost: x\r\nX-A'],
    ['one that does not end its headers', 'GET /api/v1/patients HTTP/1.1\r\nHost: x\r\n'],
  ])('%s', async (_what, bytes) => {
    const { send, upstream } = await startGatewayAndRecorder({ clientTimeouts });
    expectRefusal(await send(bytes), 408);
    expect(upstream.bytes()).toBe('');
  });

  test('one that goes on sending header after header', async () => {
    const { port, upstream } = await startGatewayAndRecorder({ clientTimeouts });
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    onTestFinished(() => void socket.destroy());
    const dripping = setInterval(() => socket.write('X-A: a\r\n'), 10);
    socket.once('end', () => clearInterval(dripping));
    onTestFinished(() => clearInterval(dripping));
    socket.write('GET /api/v1/patients HTTP/1.1\r\nHost: x\r\n');
    expectRefusal(await text(socket), 408);
    expect(upstream.bytes()).toBe('');
  });
});

describe('a body that is slow gets 408, and the service no whole request:', () => {
  test.each([
    ['of a length', ['Content-Length: 9'], 'half'],
    ['of a length, of which nothing comes', ['Content-Length: 9'], ''],
    ['in chunks', ['Transfer-Encoding: chunked'], '4\r\nhalf\r\n'],
    ['in chunks, in the middle of a size', ['Transfer-Encoding: chunked'], '4\r\nhalf\r\n1'],
    ['that is kept to be sent again', ['Content-Length: 9', 'Idempotency-Key: a'], 'half'],
  ])('%s', async (_what, lines, body) => {
    const { send, upstream } = await startGatewayAndRecorder({ routes });
    expectRefusal(await send(requestOf('POST', lines, body)), 408);
    expect(upstream.completed).toEqual([]);
  });

  test('one that comes byte by byte, always in time', async () => {
    const { port, upstream } = await startGatewayAndRecorder({ routes: patient });
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    onTestFinished(() => void socket.destroy());
    const dripping = setInterval(() => socket.write('a'), 10);
    socket.once('end', () => clearInterval(dripping));
    onTestFinished(() => clearInterval(dripping));
    socket.write(requestOf('POST', ['Content-Length: 100000']));
    expectRefusal(await text(socket), 408);
    expect(upstream.completed).toEqual([]);
  });
});
