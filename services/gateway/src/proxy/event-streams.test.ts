import type { ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import { PATIENTS, startGateway, startServer } from '../testing.ts';

/** Starts a service that sends events when the test does. */
async function startEvents(type = 'text/event-stream; charset=utf-8') {
  const streams: ServerResponse[] = [];
  const closed = Promise.withResolvers<void>();
  const server = await startServer((_request, response) => {
    response.writeHead(200, { 'content-type': type }).flushHeaders();
    response.once('close', closed.resolve);
    streams.push(response);
  });
  return { ...server, streams, closed: closed.promise };
}

const ALL = { connectMillis: 1_000, headersMillis: 100, bodyMillis: 100, totalMillis: 100 };

async function listen(url: string, signal?: AbortSignal) {
  const response = await fetch(`${url}/api/v1/patients/events`, signal ? { signal } : {});
  if (!response.body) throw new Error('the response has no body');
  return { response, reader: response.body.pipeThrough(new TextDecoderStream()).getReader() };
}

describe('an event stream', () => {
  test('begins before its first event, and each event comes by itself', async () => {
    const events = await startEvents();
    const { url } = await startGateway({ patients: [events.url] });
    const { response, reader } = await listen(url);
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    for (const event of ['data: one\n\n', 'data: two\n\n']) {
      events.streams[0]?.write(event);
      expect((await reader.read()).value).toBe(event);
    }
  });

  test('has no end but its own, whatever the timeout of the route', async () => {
    const events = await startEvents();
    const { url } = await startGateway({ patients: [events.url], routes: [{ ...PATIENTS, timeouts: ALL }] });
    const { reader } = await listen(url);
    // By now, the timeout of a response that is not a stream has passed.
    const plain = await startEvents('text/plain');
    const other = await startGateway({ patients: [plain.url], routes: [{ ...PATIENTS, timeouts: ALL }] });
    await expect((await listen(other.url)).reader.read()).rejects.toThrow();
    events.streams[0]?.end('data: late\n\n');
    expect(await reader.read()).toEqual({ value: 'data: late\n\n', done: false });
    expect((await reader.read()).done).toBe(true);
  });

  test('is closed at the service when the client goes away', async () => {
    const events = await startEvents();
    const { url } = await startGateway({ patients: [events.url] });
    const controller = new AbortController();
    const { reader } = await listen(url, controller.signal);
    controller.abort();
    await expect(reader.read()).rejects.toThrow();
    await events.closed;
  });

  test('breaks for the client when the service breaks it', async () => {
    const events = await startEvents();
    const { url } = await startGateway({ patients: [events.url] });
    const { reader } = await listen(url);
    events.streams[0]?.destroy();
    await expect(reader.read()).rejects.toThrow();
  });

  test('is ended when the gateway closes, which does not wait for it', async () => {
    const events = await startEvents();
    const { url, app } = await startGateway({ patients: [events.url] });
    const { reader } = await listen(url);
    const closed = app.close();
    expect((await reader.read()).done).toBe(true);
    await events.closed;
    await closed;
  });
});

describe('an instance that leaves', () => {
  test('ends its pending requests, and gets no new ones', async () => {
    const release = Promise.withResolvers<void>();
    const controller = await startServer(async (_request, response) => {
      response.write('begun, ');
      await release.promise;
      response.end('ended');
    });
    const staying = await startServer((_request, response) => response.end('stays'));
    const upstream = { sweepIntervalMillis: 10 };
    const { url, discovery } = await startGateway({ patients: [controller.url], upstream });
    const under = await fetch(`${url}/api/v1/patients`);
    discovery.setInstances('patient-service', [staying.url]);
    for (let count = 0; count < 10; count += 1) {
      expect(await (await fetch(`${url}/api/v1/patients`)).text()).toBe('stays');
    }
    release.resolve();
    expect(await under.text()).toBe('begun, ended');
    expect(controller.requests).toHaveLength(1);
  });
});
