import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import { PATIENTS, sendRaw, startGateway, startServer } from '../testing.ts';

const MEBIBYTE = 1024 * 1024;
const FIRST = 64 * 1024 + 1;
const swift = [{ ...PATIENTS, timeoutMillis: 100 }];

/** Starts a service that holds every request, and reports its arrival and its cancellation. */
async function startHolder(begin: RequestListener = () => undefined) {
  const arrived = Promise.withResolvers<void>();
  const givenUp = Promise.withResolvers<void>();
  const server = await startServer((request, response) => {
    response.once('close', givenUp.resolve);
    begin(request, response);
    arrived.resolve();
  });
  return { ...server, arrived: arrived.promise, givenUp: givenUp.promise };
}

describe('a body', () => {
  test('that is announced as too large is refused before it is sent', async () => {
    const upstream = await startServer((_request, response) => response.end());
    const { port } = await startGateway({ patients: [upstream.url] });
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.write(`POST /api/v1/patients HTTP/1.1\r\nHost: x\r\nContent-Length: ${MEBIBYTE + 1}\r\n\r\n`);
    const [response] = await once(socket, 'data');
    expect(String(response)).toMatch(/^HTTP\/1\.1 413 [\s\S]*"code":"body-too-large"/);
    expect(upstream.requests).toEqual([]);
  });

  test('that has a type and does not exist is not waited for', async () => {
    const { port } = await startGateway();
    const head = 'POST /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n\r\n';
    expect(await sendRaw(port, head)).toMatch(/^HTTP\/1\.1 404 /);
  });

  test('that does not end after its refusal ends the connection', async () => {
    const { port } = await startGateway();
    const request = `POST /api/v1/patients HTTP/1.1\r\nHost: x\r\nContent-Length: ${MEBIBYTE + 1}\r\n\r\n`;
    expect(await sendRaw(port, request)).toMatch(/^HTTP\/1\.1 413 /);
  });

  test.each([
    ['is announced as too large', MEBIBYTE + 1, 413],
    ['the service does not want', MEBIBYTE, 415],
  ])('that %s gets a response before the connection closes', async (_what, length, status) => {
    const upstream = await startServer((_request, response) => response.writeHead(415).end('no'));
    const { port } = await startGateway({ patients: [upstream.url] });
    const head = `POST /api/v1/patients HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n`;
    const socket = connect(port, '127.0.0.1');
    const received = buffer(socket);
    // As much as is buffered before an instance is selected.
    socket.write(head + 'a'.repeat(FIRST));
    // The rest comes after the response is sent, on a connection that could already be closed.
    await once(socket, 'readable');
    socket.write('a'.repeat(length - FIRST));
    expect(String(await received)).toContain(`HTTP/1.1 ${status} `);
  });

  test('that turns out too large is cut', async () => {
    const upstream = await startHolder((request) => void request.resume());
    const { url } = await startGateway({ patients: [upstream.url] });
    const body = new Blob(['a'.repeat(MEBIBYTE + 1)]).stream();
    const response = await fetch(`${url}/api/v1/patients`, { method: 'POST', body, duplex: 'half' });
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ code: 'body-too-large' });
    await upstream.givenUp;
  });

  test('of just the allowed size passes, announced or not', async () => {
    const upstream = await startServer(async (request, response) => {
      response.end(String((await buffer(request)).length));
    });
    const { url } = await startGateway({ patients: [upstream.url] });
    const body = 'a'.repeat(MEBIBYTE);
    for (const sent of [body, new Blob([body]).stream()]) {
      const response = await fetch(`${url}/api/v1/patients`, { method: 'POST', body: sent, duplex: 'half' });
      expect(await response.text()).toBe(String(MEBIBYTE));
    }
  });

  test('that the service does not want leaves the connection usable', async () => {
    const upstream = await startServer((_request, response) => response.writeHead(415).end('no'));
    const { url } = await startGateway({ patients: [upstream.url] });
    for (let count = 0; count < 3; count += 1) {
      const response = await fetch(`${url}/api/v1/patients`, { method: 'POST', body: 'a'.repeat(MEBIBYTE) });
      expect([response.status, await response.text()]).toEqual([415, 'no']);
    }
  });
});

describe('time', () => {
  test('is over for a service that does not respond', async () => {
    const upstream = await startHolder();
    const { url } = await startGateway({ patients: [upstream.url], routes: swift });
    const response = await fetch(`${url}/api/v1/patients/1?q=x`);
    expect(response.status).toBe(504);
    expect(await response.json()).toMatchObject({ code: 'deadline-exceeded', instance: '/api/v1/patients/1' });
    await upstream.givenUp;
  });

  test('is over for a service that does not end its response', async () => {
    const upstream = await startHolder((_request, response) => void response.write('half'));
    const { url } = await startGateway({ patients: [upstream.url], routes: swift });
    const response = await fetch(`${url}/api/v1/patients`);
    await expect(response.text()).rejects.toThrow();
    await upstream.givenUp;
  });

  test('is over for a client that does not send its body', async () => {
    const upstream = await startHolder();
    const { port } = await startGateway({ patients: [upstream.url], routes: swift });
    const request = 'POST /api/v1/patients HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf';
    expect(await sendRaw(port, request)).toMatch(/^HTTP\/1\.1 408 [\s\S]*"code":"request-timeout"/);
    expect(upstream.requests).toEqual([]);
  });

  test('is over for a client that does not send the rest of a large body', async () => {
    const upstream = await startHolder((request) => void request.resume());
    const { port } = await startGateway({ patients: [upstream.url], routes: swift });
    const head = `POST /api/v1/patients HTTP/1.1\r\nHost: x\r\nContent-Length: ${MEBIBYTE}\r\n\r\n`;
    expect(await sendRaw(port, head + 'a'.repeat(FIRST))).toMatch(/^HTTP\/1\.1 408 [\s\S]*"code":"request-timeout"/);
    await upstream.givenUp;
  });

  test('is over for a service that does not take the body', async () => {
    const upstream = await startHolder();
    const { url } = await startGateway({ patients: [upstream.url], routes: swift });
    const response = await fetch(`${url}/api/v1/patients`, { method: 'POST', body: 'a'.repeat(MEBIBYTE) });
    expect(response.status).toBe(504);
  });

  test('is over for requests that wait for a connection, too', async () => {
    const upstream = await startHolder();
    const slow = { ...PATIENTS, id: 'slow', predicates: { path: ['/api/v1/patients/slow'] } };
    const { url } = await startGateway({
      patients: [upstream.url],
      routes: [slow, ...swift],
      upstream: { connections: 1 },
    });
    const controller = new AbortController();
    const { signal } = controller;
    const holding = fetch(`${url}/api/v1/patients/slow`, { signal }).catch((error: unknown) => error);
    await upstream.arrived;
    const responses = await Promise.all([1, 2, 3].map(() => fetch(`${url}/api/v1/patients`)));
    expect(responses.map(({ status }) => status)).toEqual([504, 504, 504]);
    expect(upstream.requests).toHaveLength(1);
    controller.abort();
    expect(await holding).toMatchObject({ name: 'AbortError' });
  });
});

describe('a client that goes away', () => {
  test('takes its request back from the service', async () => {
    const upstream = await startHolder();
    const { url } = await startGateway({ patients: [upstream.url] });
    const controller = new AbortController();
    const request = fetch(`${url}/api/v1/patients`, { signal: controller.signal });
    await upstream.arrived;
    controller.abort();
    await expect(request).rejects.toThrow();
    await upstream.givenUp;
  });

  test('in the middle of its body takes its request back, too', async () => {
    const upstream = await startHolder((request) => void request.resume());
    const { port } = await startGateway({ patients: [upstream.url] });
    const socket = connect(port, '127.0.0.1');
    const head = `POST /api/v1/patients HTTP/1.1\r\nHost: x\r\nContent-Length: ${MEBIBYTE}\r\n\r\n`;
    socket.write(head + 'a'.repeat(FIRST));
    await upstream.arrived;
    socket.destroy();
    await upstream.givenUp;
  });
});

describe('a response', () => {
  test('that breaks in the middle breaks for the client', async () => {
    const upstream = await startServer((_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => response.destroy());
    });
    const { url } = await startGateway({ patients: [upstream.url] });
    const response = await fetch(`${url}/api/v1/patients`);
    await expect(response.text()).rejects.toThrow();
  });

  test('waits for a client that does not read', async () => {
    const size = 64 * MEBIBYTE;
    const chunk = Buffer.alloc(64 * 1024);
    let sent = 0;
    const upstream = await startServer((_request, response) => {
      const send = () => {
        while (sent < size) {
          sent += chunk.length;
          if (!response.write(chunk)) return;
        }
        response.end();
      };
      response.on('drain', send);
      send();
    });
    const { port } = await startGateway({ patients: [upstream.url] });
    const socket = connect(port, '127.0.0.1').pause();
    onTestFinished(() => void socket.destroy());
    socket.write('GET /api/v1/patients HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    let before = -1;
    const rests = () => {
      const same = sent > 0 && sent === before;
      before = sent;
      return same;
    };
    await expect.poll(rests, { interval: 100, timeout: 5_000 }).toBe(true);
    expect(sent).toBeLessThan(size);
    expect((await buffer(socket)).length).toBeGreaterThan(size);
  });
});

describe('a request that node:http would refuse by itself', () => {
  test.each([
    ['without a Host', 400, 'GET /api/v1/patients?q=Silva HTTP/1.1\r\nconnection: close\r\n\r\n'],
    ['with an Expect of its own', 417, 'GET /api/v1/patients?q=Silva HTTP/1.1\r\nhost: x\r\nexpect: foo\r\n\r\n'],
  ])('%s gets a problem document and an id, and goes nowhere', async (_what, status, bytes) => {
    const patients = await startServer((_request, response) => response.end());
    const { port } = await startGateway({ patients: [patients.url] });
    const [head = '', body = ''] = (await sendRaw(port, bytes)).split('\r\n\r\n');
    expect(head).toContain(`HTTP/1.1 ${status} `);
    expect(head).toMatch(/^x-request-id: [0-9a-f-]{36}\r?$/im);
    expect(JSON.parse(body)).toMatchObject({ code: 'invalid-request', instance: '/api/v1/patients' });
    expect(patients.requests).toEqual([]);
  });
});
