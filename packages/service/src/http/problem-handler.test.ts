import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { Instant, problems, Refusal } from '@daybook/contracts';
import { DatabaseUnavailable } from '@daybook/database';
import { Type } from 'typebox';
import { describe, expect, it, vi } from 'vitest';
import { bareApp, temporaryFolder } from '../testing.ts';

const Thing = Type.Object(
  {
    name: Type.String({ maxLength: 10 }),
    kind: Type.Optional(Type.String({ enum: ['round', 'square'] })),
    start: Type.Optional(Type.String({ format: 'date-time' })),
    parts: Type.Optional(Type.Array(Type.Object({ count: Type.Integer() }, { additionalProperties: false }))),
  },
  { title: 'Thing', additionalProperties: false },
);
const Params = Type.Object({ id: Type.String({ format: 'uuid' }) });

async function thingApp() {
  const { app, lines } = await bareApp();
  app.post('/things', { schema: { body: Thing } }, async (request) => request.body);
  app.patch('/things', { schema: { body: Type.Partial(Thing) } }, async (request) => request.body);
  app.get('/things/:id', { schema: { params: Params } }, async (request) => request.params);
  return { app, lines };
}

type Thrown = (request: unknown) => unknown;

/** An application with one route that fails. */
async function failingApp(fail: Thrown) {
  const { app, lines } = await bareApp();
  app.get('/failing', async (request) => fail(request));
  const response = await app.inject('/failing?q=private');
  return { response, lines };
}

type InjectResponse = Awaited<ReturnType<Awaited<ReturnType<typeof bareApp>>['app']['inject']>>;

function expectProblem(response: InjectResponse, status: number, code: string): void {
  expect(response.json()).toMatchObject({ status, code, type: `urn:daybook:problem:${code}` });
  expect(response.statusCode).toBe(status);
  expect(response.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  expect(response.headers['x-request-id']).toMatch(/./);
  expect(response.json()).toMatchObject({
    traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
    title: expect.any(String),
  });
}

const json = { 'content-type': 'application/json' };

describe('a body', () => {
  it('that is empty is not needed where a route takes none, whatever the Content-Type', async () => {
    const { app } = await thingApp();
    app.post('/things/clear', async () => ({ cleared: true }));
    app.delete('/things', async () => ({ cleared: true }));
    for (const [method, url] of [
      ['POST', '/things/clear'],
      ['DELETE', '/things'],
    ] as const) {
      for (const type of ['application/json', 'application/json; charset=utf-8', 'application/merge-patch+json']) {
        const response = await app.inject({ method, url, headers: { 'content-type': type } });
        expect(response.json()).toEqual({ cleared: true });
      }
    }
  });

  it.each([
    ['half', '{"name": "a"'],
    ['a word', 'name'],
    ['not there', ''],
    ['one that names a prototype', '{"name": "a", "__proto__": {"role": "administrator"}}'],
    ['one that names a constructor', '{"name": "a", "constructor": {"prototype": {"role": 1}}}'],
  ])('that is %s is refused with 400 as malformed', async (_what, payload) => {
    const { app } = await thingApp();
    for (const type of ['application/json', 'application/json; charset=utf-8', 'application/merge-patch+json']) {
      const response = await app.inject({
        method: 'PATCH',
        url: '/things',
        headers: { 'content-type': type },
        payload,
      });
      expectProblem(response, 400, 'malformed-body');
    }
  });

  it.each(['text/plain', 'application/xml', 'application/x-www-form-urlencoded', 'multipart/form-data', 'nonsense'])(
    'of the type %s is refused with 415',
    async (type) => {
      const { app } = await thingApp();
      const response = await app.inject({
        method: 'POST',
        url: '/things',
        headers: { 'content-type': type },
        payload: '{"name":"a"}',
      });
      expectProblem(response, 415, 'unsupported-media-type');
    },
  );

  it('without a type is refused with 415', async () => {
    const { app } = await thingApp();
    const response = await app.inject({ method: 'POST', url: '/things', payload: Buffer.from('{"name":"a"}') });
    expectProblem(response, 415, 'unsupported-media-type');
  });

  it('that is missing is refused with 400', async () => {
    const { app } = await thingApp();
    expectProblem(await app.inject({ method: 'POST', url: '/things' }), 400, 'invalid-request');
  });

  it('of more than 64 KiB is refused with 413', async () => {
    const { app } = await thingApp();
    const payload = JSON.stringify({ name: 'x'.repeat(64 * 1024) });
    const response = await app.inject({ method: 'POST', url: '/things', headers: json, payload });
    expectProblem(response, 413, 'body-too-large');
  });

  it.each([
    ['is announced', 'content-length: 500000', (size: number) => 'x'.repeat(size)],
    ['turns out', 'transfer-encoding: chunked', (size: number) => `${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`],
  ])('that %s as too large leaves its client the response, and the connection', async (_what, line, piece) => {
    const { app } = await thingApp();
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    let received = '';
    socket.on('data', (bytes: Buffer) => {
      received += bytes.toString();
    });
    socket.write(
      `POST /things HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${line}\r\n\r\n${piece(100_000)}`,
    );
    await vi.waitFor(() => expect(received).toMatch(/^HTTP\/1\.1 413 [\s\S]*"code":"body-too-large"/));
    socket.write(piece(400_000) + (line.includes('chunked') ? '0\r\n\r\n' : ''));
    socket.write('GET /nothing HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    await vi.waitFor(() => expect(received).toContain('HTTP/1.1 404 '));
    socket.destroy();
    await app.close();
  });

  it('that is too large and does not end ends the connection', async () => {
    const { app } = await thingApp();
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.write(
      'POST /things HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 500000\r\n\r\n',
    );
    expect(await text(socket)).toContain('HTTP/1.1 413 ');
    await app.close();
  });

  it('of a route that takes none is refused with 413 beyond a kilobyte', async () => {
    const { app } = await bareApp();
    app.post('/nothing', async () => 'done');
    const post = (payload: string) => app.inject({ method: 'POST', url: '/nothing', headers: json, payload });
    expect((await post('{}')).statusCode).toBe(200);
    expectProblem(await post(`{"a":"${'x'.repeat(1024)}"}`), 413, 'body-too-large');
  });

  it('of a route that sets its own limit may be as large as that', async () => {
    const { app } = await bareApp();
    app.post('/large', { schema: { body: Type.Unknown() }, bodyLimit: 200_000 }, async () => 'done');
    const post = (payload: string) => app.inject({ method: 'POST', url: '/large', headers: json, payload });
    expect((await post(`"${'x'.repeat(199_998)}"`)).statusCode).toBe(200);
    expectProblem(await post(`"${'x'.repeat(199_999)}"`), 413, 'body-too-large');
  });

  it.each([
    ['arrays', '['.repeat(33)],
    ['objects', '{"a":'.repeat(33)],
    ['what ends', '['.repeat(33) + ']'.repeat(33)],
  ])('nested more than 32 levels deep is refused before it is parsed: %s', async (_what, payload) => {
    const { app } = await thingApp();
    const response = await app.inject({ method: 'POST', url: '/things', headers: json, payload });
    expectProblem(response, 400, 'malformed-body');
    expect(response.json().detail).toBe('The body is nested more than 32 levels deep.');
  });

  it('that is a merge patch is taken under its own type', async () => {
    const { app } = await thingApp();
    const headers = { 'content-type': 'application/merge-patch+json' };
    const response = await app.inject({ method: 'PATCH', url: '/things', headers, payload: '{"name":"b"}' });
    expect(response.json()).toEqual({ name: 'b' });
  });

  it.each([[[]], ['text'], [17], [null], [true]])(
    'that is %j instead of an object is refused with 400',
    async (body) => {
      const { app } = await thingApp();
      const response = await app.inject({
        method: 'POST',
        url: '/things',
        headers: json,
        payload: JSON.stringify(body),
      });
      expectProblem(response, 400, 'invalid-request');
      expect(response.json()).toMatchObject({ errors: [{ pointer: '' }] });
    },
  );

  it('gets all of its faults at once, each with its place', async () => {
    const { app } = await thingApp();
    const payload = { kind: 'oval', start: '2026-11-23', parts: [{ count: 1 }, { count: '2' }], extra: 1, 'a/b~c': 2 };
    const response = await app.inject({ method: 'POST', url: '/things', payload });
    expectProblem(response, 400, 'invalid-request');
    const { errors } = response.json<{ errors: { pointer: string; message: string }[] }>();
    expect(errors.toSorted((one, other) => (one.pointer < other.pointer ? -1 : 1))).toEqual([
      { pointer: '/a~1b~0c', message: 'is not known here' },
      { pointer: '/extra', message: 'is not known here' },
      { pointer: '/kind', message: 'must be one of round, square' },
      { pointer: '/name', message: 'is needed' },
      { pointer: '/parts/1/count', message: 'must be integer' },
      { pointer: '/start', message: 'must be a valid date-time' },
    ]);
  });

  it('is not read as another type than it has', async () => {
    const { app } = await thingApp();
    for (const payload of [{ name: 17 }, { name: true }, { name: null }, { name: 'a', parts: [{ count: '1' }] }]) {
      expectProblem(await app.inject({ method: 'POST', url: '/things', payload }), 400, 'invalid-request');
    }
  });

  it('is refused without a word of its text', async () => {
    const { app, lines } = await thingApp();
    const payload = { name: 'Ana Silva of Boston', kind: 'pregnant', start: 'tomorrow at noon' };
    const { body } = await app.inject({ method: 'POST', url: '/things', payload });
    const malformed = await app.inject({
      method: 'POST',
      url: '/things',
      headers: json,
      payload: '{"name": Ana Silva',
    });
    for (const secret of ['Ana', 'pregnant', 'tomorrow']) {
      expect(body + malformed.body).not.toContain(secret);
      expect(lines.join()).not.toContain(secret);
    }
  });
});

describe('an address', () => {
  it('that is not known gets 404, and is named without its query', async () => {
    const { app } = await thingApp();
    for (const method of ['GET', 'POST', 'DELETE'] as const) {
      const response = await app.inject({ method, url: '/nothing/here?name=Ana' });
      expectProblem(response, 404, 'not-found');
      expect(response.json()).toMatchObject({ instance: '/nothing/here' });
      expect(response.body).not.toContain('Ana');
    }
  });

  it.each([
    '17',
    'x',
    '01900000-0000-7000-8000-00000000000',
    '01900000-0000-7000-8000-000000000000x',
    '%00',
    'x'.repeat(150),
    'x'.repeat(300),
  ])('with the id %s gets 404', async (id) => {
    const { app } = await thingApp();
    expectProblem(await app.inject(`/things/${id}`), 404, 'not-found');
  });

  it.each(['/things/%', '/things/%zz', '/things/%E0%A4%A', '/%'])(
    'that is not encoded as it should be, %s, is refused',
    async (url) => {
      const { app } = await thingApp();
      const response = await app.inject(url);
      expect(response.statusCode).toBeOneOf([400, 404]);
      expectProblem(response, response.statusCode, response.statusCode === 404 ? 'not-found' : 'invalid-request');
    },
  );
});

describe('a request that is not HTTP', () => {
  it('gets a response and does no harm', async () => {
    const { app } = await thingApp();
    await app.listen({ host: '127.0.0.1', port: 0 });
    try {
      const socket = connect(Number(new URL(app.listeningOrigin).port), '127.0.0.1');
      socket.write('nonsense\r\n\r\n');
      expect(await text(socket)).toMatch(/^HTTP\/1.1 400 /);
      expect((await fetch(`${app.listeningOrigin}/health/live`)).status).toBe(200);
    } finally {
      await app.close();
    }
  });
});

describe('a request whose sender goes away', () => {
  it('in the middle of its body is not a failure of ours', async () => {
    const { app, lines } = await thingApp();
    const received = Promise.withResolvers<void>();
    const done = Promise.withResolvers<void>();
    app.addHook('onRequest', async () => received.resolve());
    app.addHook('onRequestAbort', async (_request) => done.resolve());
    await app.listen({ host: '127.0.0.1', port: 0 });
    try {
      const socket = connect(Number(new URL(app.listeningOrigin).port), '127.0.0.1');
      socket.write(
        'POST /things HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"na',
      );
      await received.promise;
      socket.destroy();
      await done.promise;
    } finally {
      await app.close();
    }
    expect(lines.filter((line) => !line.includes('Server listening'))).toEqual([]);
  });
});

describe('a handler that refuses', () => {
  it.each(['slot-taken', 'patient-not-found', 'forbidden', 'too-many-requests'] as const)(
    'with %s returns its problem',
    async (code) => {
      const { response, lines } = await failingApp(() => {
        throw new Refusal(code, 'Why it cannot be.', { retryAfterSeconds: 7 });
      });
      expectProblem(response, problems[code].status, code);
      expect(response.json()).toMatchObject({ detail: 'Why it cannot be.', instance: '/failing' });
      expect(response.headers['retry-after']).toBe('7');
      expect(lines).toEqual([]);
    },
  );

  it('because the database is away returns 503 with Retry-After', async () => {
    const { response, lines } = await failingApp(() => {
      throw new DatabaseUnavailable(new Error('disk full at Ana Silva'));
    });
    expectProblem(response, 503, 'service-unavailable');
    expect(response.headers['retry-after']).toBe('1');
    expect(response.body + lines.join()).not.toContain('Ana');
    expect(lines.join()).toContain('service-unavailable');
  });

  it('because the disk is full logs that for the operator', async () => {
    const full = Object.assign(new Error('full at Ana Silva'), { errcode: 13, errstr: 'database or disk is full' });
    const { response, lines } = await failingApp(() => {
      throw new DatabaseUnavailable(full);
    });
    expect(response.body).not.toContain('disk');
    expect(lines.join()).toContain('"reason":"database or disk is full"');
    expect(lines.join()).not.toContain('Ana');
  });

  it('by not responding in time returns 504', async () => {
    const { app } = await bareApp();
    app.get('/slow', { handlerTimeout: 20 }, () => new Promise(() => undefined));
    expectProblem(await app.inject('/slow'), 504, 'deadline-exceeded');
  });
});

describe('a handler that fails', () => {
  it('returns 500 without details, and is logged with its place', async () => {
    const { response, lines } = await failingApp(() => {
      throw new TypeError('an unexpected turn');
    });
    expectProblem(response, 500, 'internal-error');
    expect(response.body).not.toContain('unexpected');
    const line = lines.find((candidate) => candidate.includes('unexpected error')) ?? '';
    expect(JSON.parse(line)).toMatchObject({
      level: 50,
      service: 'thing-service',
      method: 'GET',
      route: '/failing',
      err: {
        type: 'TypeError',
        message: 'an unexpected turn',
        stack: expect.stringContaining('problem-handler.test.ts'),
      },
    });
    expect(line).not.toContain('private');
  });

  it.each([
    ['a text', 'Ana Silva'],
    ['nothing', undefined],
    ['an object', { name: 'Ana Silva' }],
  ])('with %s returns 500, and the value appears nowhere', async (_what, thrown) => {
    const { response, lines } = await failingApp(() => Promise.reject(thrown));
    expectProblem(response, 500, 'internal-error');
    expect(response.body + lines.join()).not.toContain('Ana');
  });

  it('because of text that is not JSON is logged without the text', async () => {
    const { response, lines } = await failingApp(() => JSON.parse('Ana Silva, pregnant'));
    expectProblem(response, 500, 'internal-error');
    expect(lines.join()).toContain('SyntaxError');
    expect(response.body + lines.join()).not.toContain('Silva');
  });

  it('because of a statement that the database refuses is logged without the row', async () => {
    await using folder = await temporaryFolder();
    const database = await folder.open();
    const insert = () =>
      database.write((transaction) => transaction.insertInto('things').values({ name: 'Ana' }).execute());
    await insert();
    const { response, lines } = await failingApp(insert);
    expectProblem(response, 500, 'internal-error');
    expect(lines.join()).toContain('unexpected error');
    expect(response.body + lines.join()).not.toMatch(/UNIQUE|things\.name|Ana/);
  });
});

describe('a path that is served with other methods', () => {
  it.each([
    ['DELETE', '/things', 'PATCH, POST'],
    ['GET', '/things', 'PATCH, POST'],
    ['POST', '/things/0190a7a1-0000-7000-8000-000000000000', 'GET, HEAD'],
    ['PUT', '/things/no-id?q=1', 'GET, HEAD'],
    ['POST', '/health/live', 'GET, HEAD'],
  ] as const)('is 405 with Allow to %s %s', async (method, url, allow) => {
    const { app } = await thingApp();
    const response = await app.inject({ method, url });
    expectProblem(response, 405, 'method-not-allowed');
    expect(response.headers.allow).toBe(allow);
  });

  it.each(['/thing', '/things/', '/things/1/2', '/health', '//things'])('is another one than %s: 404', async (url) => {
    const { app } = await thingApp();
    const response = await app.inject({ method: 'DELETE', url });
    expectProblem(response, 404, 'not-found');
    expect(response.headers.allow).toBeUndefined();
  });
});

describe('a query', () => {
  it.each(['q=%FF', 'q=%C3', 'q=%', 'q=%zz', 'q=a&b=%ED%A0%80', 'q=%C0%AF'])(
    'that is not UTF-8 is rejected, not searched for as something else: %s',
    async (query) => {
      const { app } = await thingApp();
      app.get('/search', async (request) => request.query);
      expectProblem(await app.inject(`/search?${query}`), 400, 'invalid-request');
    },
  );

  it.each(['q=Jos%C3%A9', 'q=a+b', 'q=%25', 'q=', '', 'q=?'])('that is UTF-8 is read: %s', async (query) => {
    const { app } = await thingApp();
    app.get('/search', async (request) => request.query);
    expect((await app.inject(`/search?${query}`)).statusCode).toBe(200);
  });
});

describe('a range', () => {
  const range = { from: Type.Optional(Instant()), to: Type.Optional(Instant()) };

  async function rangeApp() {
    const { app } = await bareApp();
    app.get('/visits', { schema: { querystring: Type.Object(range) } }, async () => ({}));
    app.post('/visits', { schema: { body: Type.Object(range) } }, async () => ({}));
    return app;
  }

  const send = async (payload: Record<string, string>) => {
    const app = await rangeApp();
    return [
      await app.inject(`/visits?${new URLSearchParams(payload)}`),
      await app.inject({ method: 'POST', url: '/visits', payload }),
    ];
  };

  it('that ends before it begins is rejected wherever from and to are taken', async () => {
    for (const response of await send({ from: '2026-03-02T00:00:00Z', to: '2026-03-01T23:59:59.999Z' })) {
      expectProblem(response, 400, 'invalid-request');
      expect(response.json()).toMatchObject({ errors: [{ pointer: '/to', message: 'must not be before from' }] });
    }
  });

  it('is compared as instants, not as text', async () => {
    for (const response of await send({ from: '2026-03-01T12:00:00+02:00', to: '2026-03-01T11:00:00Z' })) {
      expect(response.statusCode).toBe(200);
    }
  });

  it('that is empty or open is fine', async () => {
    for (const payload of [
      { from: '2026-03-01T12:00:00Z', to: '2026-03-01T12:00:00Z' },
      { from: '2026-03-01T12:00:00Z' },
      { to: '2026-03-01T12:00:00Z' },
    ]) {
      for (const response of await send(payload)) expect(response.statusCode).toBe(200);
    }
  });
});
