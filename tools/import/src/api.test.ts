import { describe, expect, test } from 'vitest';
import { createApi } from './api.ts';

const URL = 'http://127.0.0.1:1';

/** Creates an API client that never waits, and the list of its delays. */
function setUp() {
  const delays: number[] = [];
  const api = createApi({
    url: URL,
    token: async () => 'unused',
    wait: async (millis) => {
      delays.push(millis);
    },
  });
  return { api, delays };
}

interface FetchResult {
  data?: unknown;
  error?: unknown;
  response: Response;
}

const success = (data: unknown, headers: Record<string, string> = {}): FetchResult => ({
  data,
  response: new Response(null, { headers }),
});
const refused = (status: number, code: string, headers: Record<string, string> = {}): FetchResult => ({
  error: { code, status, detail: 'no' },
  response: new Response(null, { status, headers }),
});

/** Returns the results in sequence, and the last one again after the end. */
function respondWith(...results: FetchResult[]) {
  const calls = { count: 0 };
  const call = async (): Promise<FetchResult> => {
    const result = results[Math.min(calls.count, results.length - 1)];
    calls.count += 1;
    if (result === undefined) throw new Error('no result was set up');
    return result;
  };
  return { call, calls };
}

describe('a busy Daybook', () => {
  test.each([
    [429, 'too-many-requests'],
    [503, 'service-unavailable'],
    [504, 'deadline-exceeded'],
    [409, 'idempotency-key-in-use'],
  ])('that responds %i %s is retried after Retry-After', async (status, code) => {
    const { api, delays } = setUp();
    const { call } = respondWith(refused(status, code, { 'retry-after': '2' }), success('done'));
    expect(await api.send(call)).toMatchObject({ data: 'done' });
    expect(delays).toEqual([2000]);
  });

  test('gets five attempts with growing delays when it sends no Retry-After', async () => {
    const { api, delays } = setUp();
    const { call, calls } = respondWith(refused(503, 'service-unavailable'));
    await expect(api.send(call)).rejects.toMatchObject({ problem: { code: 'service-unavailable' } });
    expect(calls.count).toBe(5);
    expect(delays).toEqual([250, 500, 1000, 2000]);
  });

  test('cannot make the import wait for hours', async () => {
    const { api, delays } = setUp();
    const { call } = respondWith(refused(429, 'too-many-requests', { 'retry-after': '86400' }), success('done'));
    await api.send(call);
    expect(delays).toEqual([30_000]);
  });
});

describe('a response', () => {
  test.each([
    [409, 'slot-taken'],
    [422, 'outside-availability'],
    [400, 'invalid-request'],
  ])('of %i %s is final', async (status, code) => {
    const { api } = setUp();
    const { call, calls } = respondWith(refused(status, code));
    await expect(api.send(call)).rejects.toMatchObject({ problem: { code } });
    expect(calls.count).toBe(1);
  });

  test('that was replayed is reported as such, unless an attempt of ours was lost', async () => {
    const { api } = setUp();
    const replayed = success('done', { 'idempotency-replayed': 'true' });
    expect(await api.send(respondWith(replayed).call)).toMatchObject({ wasReplayed: true });
    const lost = respondWith(refused(503, 'service-unavailable'), replayed);
    expect(await api.send(lost.call)).toMatchObject({ wasReplayed: false });
  });

  test('of something else than a Daybook ends the import with one line', async () => {
    const { api } = setUp();
    const { call } = respondWith({ error: '<h1>Not found</h1>', response: new Response(null, { status: 404 }) });
    const message = `The server at ${URL} is not a Daybook (status 404).`;
    await expect(api.send(call)).rejects.toMatchObject({ exitCode: 69, message });
  });
});

test('no server at the address ends the import with one line', async () => {
  const { api } = setUp();
  const sending = api.send(() => api.client.GET('/api/v1/doctors'));
  await expect(sending).rejects.toMatchObject({
    exitCode: 69,
    message: expect.stringMatching(/^No Daybook responds at/),
  });
});

describe('a list', () => {
  test('is read to its end', async () => {
    const { api } = setUp();
    const items = await api.list(async ({ cursor }) =>
      cursor === undefined
        ? { data: { items: [1, 2], nextCursor: 'more' }, response: new Response() }
        : { data: { items: [3] }, response: new Response() },
    );
    expect(items).toEqual([1, 2, 3]);
  });

  test('that does not end is abandoned', async () => {
    const { api } = setUp();
    const page = { data: { items: [], nextCursor: 'again' }, response: new Response() };
    await expect(api.list(async () => page)).rejects.toMatchObject({ exitCode: 69 });
  });
});
