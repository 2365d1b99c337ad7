import { describe, expect, test } from 'vitest';
import { createDoor } from './door.ts';

const URL = 'http://127.0.0.1:1';

/** A door before which nothing has to wait, and the pauses that it made. */
function setUp() {
  const pauses: number[] = [];
  const door = createDoor({
    url: URL,
    pause: async (millis) => {
      pauses.push(millis);
    },
  });
  return { door, pauses };
}

interface Answer {
  data?: unknown;
  error?: unknown;
  response: Response;
}

const given = (data: unknown, headers: Record<string, string> = {}): Answer => ({
  data,
  response: new Response(null, { headers }),
});
const refused = (status: number, code: string, headers: Record<string, string> = {}): Answer => ({
  error: { code, status, detail: 'no' },
  response: new Response(null, { status, headers }),
});

/** Gives the answers one after the other, the last one for ever. */
function answering(...answers: Answer[]) {
  const calls = { count: 0 };
  const call = async (): Promise<Answer> => {
    const answer = answers[Math.min(calls.count, answers.length - 1)];
    calls.count += 1;
    if (answer === undefined) throw new Error('no answer was given');
    return answer;
  };
  return { call, calls };
}

describe('a busy Daybook', () => {
  test.each([
    [429, 'too-many-requests'],
    [503, 'part-unavailable'],
    [504, 'deadline-exceeded'],
    [409, 'idempotency-key-in-use'],
  ])('that answers %i %s is asked again after the time it named', async (status, code) => {
    const { door, pauses } = setUp();
    const { call } = answering(refused(status, code, { 'retry-after': '2' }), given('done'));
    expect(await door.ask(call)).toMatchObject({ data: 'done' });
    expect(pauses).toEqual([2000]);
  });

  test('is asked five times, with longer and longer pauses when it names none', async () => {
    const { door, pauses } = setUp();
    const { call, calls } = answering(refused(503, 'part-unavailable'));
    await expect(door.ask(call)).rejects.toMatchObject({ problem: { code: 'part-unavailable' } });
    expect(calls.count).toBe(5);
    expect(pauses).toEqual([250, 500, 1000, 2000]);
  });

  test('cannot make the import wait for hours', async () => {
    const { door, pauses } = setUp();
    const { call } = answering(refused(429, 'too-many-requests', { 'retry-after': '86400' }), given('done'));
    await door.ask(call);
    expect(pauses).toEqual([30_000]);
  });
});

describe('an answer', () => {
  test.each([
    [409, 'slot-taken'],
    [422, 'outside-availability'],
    [400, 'invalid-request'],
  ])('of %i %s is final', async (status, code) => {
    const { door } = setUp();
    const { call, calls } = answering(refused(status, code));
    await expect(door.ask(call)).rejects.toMatchObject({ problem: { code } });
    expect(calls.count).toBe(1);
  });

  test('that was given before says so, unless it is to a try of ours that got lost', async () => {
    const { door } = setUp();
    const replayed = given('done', { 'idempotency-replayed': 'true' });
    expect(await door.ask(answering(replayed).call)).toMatchObject({ wasGivenBefore: true });
    const lost = answering(refused(503, 'part-unavailable'), replayed);
    expect(await door.ask(lost.call)).toMatchObject({ wasGivenBefore: false });
  });

  test('of something else than a Daybook ends the import with one line', async () => {
    const { door } = setUp();
    const { call } = answering({ error: '<h1>Not found</h1>', response: new Response(null, { status: 404 }) });
    const message = `What answers at ${URL} is not a Daybook (status 404).`;
    await expect(door.ask(call)).rejects.toMatchObject({ exitCode: 69, message });
  });
});

test('nobody at the address ends the import with one line', async () => {
  const { door } = setUp();
  const asking = door.ask(() => door.client.GET('/api/v1/doctors'));
  await expect(asking).rejects.toMatchObject({
    exitCode: 69,
    message: expect.stringMatching(/^No Daybook answers at/),
  });
});

describe('a list', () => {
  test('is read to its end', async () => {
    const { door } = setUp();
    const items = await door.list(async ({ cursor }) =>
      cursor === undefined
        ? { data: { items: [1, 2], nextCursor: 'more' }, response: new Response() }
        : { data: { items: [3] }, response: new Response() },
    );
    expect(items).toEqual([1, 2, 3]);
  });

  test('that does not end is given up', async () => {
    const { door } = setUp();
    const page = { data: { items: [], nextCursor: 'again' }, response: new Response() };
    await expect(door.list(async () => page)).rejects.toMatchObject({ exitCode: 69 });
  });
});
