import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createLeases } from '../domain/leases.ts';
import { APP, document, ID, startRegistry } from '../testing.ts';
import { createChangeStream } from './stream.ts';

interface StreamEvent {
  readonly event: string;
  readonly id: string;
  readonly data: { hash: string; action?: string; instance?: Record<string, unknown> };
}

function eventsOf(text: string): StreamEvent[] {
  return text
    .split('\n\n')
    .filter((block) => block.startsWith('id: '))
    .map((block) => {
      const fields = new Map(
        block.split('\n').map((line) => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)]),
      );
      return {
        event: fields.get('event') ?? '',
        id: fields.get('id') ?? '',
        data: JSON.parse(fields.get('data') ?? ''),
      };
    });
}

async function listen(origin: string) {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const call: ClientRequest = request(`${origin}/eureka/stream`, { agent: false }, resolve);
  call.on('error', reject);
  call.end();
  const response = await promise;
  onTestFinished(() => void call.destroy());
  let text = '';
  let ended = false;
  response.on('error', () => undefined);
  response.on('close', () => {
    ended = true;
  });
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  return { response, text: () => text, events: () => eventsOf(text), ended: () => ended };
}

describe('the stream', () => {
  it('begins with the hash of the list', async () => {
    const { origin, register } = await startRegistry();
    await register();
    const { response, events } = await listen(origin);
    expect(response.headers['content-type']).toBe('text/event-stream');
    await expect.poll(events).toEqual([{ event: 'hello', id: '2', data: { hash: 'UP_1_' } }]);
  });

  it('sends each change at once, with the instance and the hash after it', async () => {
    const { origin, register, call } = await startRegistry();
    const { events } = await listen(origin);
    await register();
    await call('PUT', `apps/${APP}/${ID}`);
    await call('PUT', `apps/${APP}/${ID}/status?value=OUT_OF_SERVICE`);
    await call('DELETE', `apps/${APP}/${ID}`);
    await expect.poll(() => events().length).toBe(4);
    expect(events().map(({ event, id, data }) => [event, id, data.action, data.hash])).toEqual([
      ['hello', '1', undefined, ''],
      ['change', '2', 'ADDED', 'UP_1_'],
      ['change', '3', 'MODIFIED', 'OUT_OF_SERVICE_1_'],
      ['change', '4', 'DELETED', ''],
    ]);
    expect(events()[1]?.data.instance).toMatchObject({ ...document, actionType: 'ADDED' });
  });

  it('sends an eviction', async () => {
    const { origin, register, time } = await startRegistry();
    await register();
    const { events } = await listen(origin);
    await expect.poll(() => events().length).toBe(1);
    time.now += 90_001;
    await expect.poll(() => events().at(-1)?.data.action, { timeout: 3_000 }).toBe('DELETED');
  });

  it('is in lines, whatever an instance registers', async () => {
    const { origin, register } = await startRegistry();
    const { events, text } = await listen(origin);
    await register({ ...document, metadata: { zone: 'a\n\nevent: change\ndata: {}\r\n\u2028' } });
    await expect.poll(() => events().length).toBe(2);
    expect(text().match(/^event: /gm)).toHaveLength(2);
  });

  it('ends when the registry closes, which it does not hold up', async () => {
    const { app, origin } = await startRegistry();
    const { ended } = await listen(origin);
    await app.close();
    await expect.poll(ended).toBe(true);
  });

  it('is open for longer than a response may take', { timeout: 20_000 }, async () => {
    const { origin, register } = await startRegistry();
    const { events, text } = await listen(origin);
    await expect.poll(text, { timeout: 15_000 }).toContain(': still here\n\n');
    await register();
    await expect.poll(() => events().length).toBe(2);
  });

  it('is cut off for a client that does not read', async () => {
    const { app, origin, register } = await startRegistry();
    const connections: Socket[] = [];
    app.server.on('connection', (connection: Socket) => connections.push(connection));
    const slow = connect(Number(new URL(origin).port), '127.0.0.1').pause();
    onTestFinished(() => void slow.destroy());
    slow.write('GET /eureka/stream HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await expect.poll(() => connections.length).toBe(1);
    const [ofSlow] = connections;
    const quick = await listen(origin);
    const metadata = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`k${n}`, 'x'.repeat(2_000)]));
    let changes = 0;
    // The connection's system buffer must be full before the stream holds a backlog.
    while (!ofSlow?.destroyed && changes < 1_000) {
      await register({ ...document, metadata });
      changes += 1;
    }
    expect(ofSlow?.destroyed).toBe(true);
    await expect.poll(() => quick.events().length).toBe(changes + 1);
  });
});

it('a change costs nothing while there is no listener', () => {
  const stream = createChangeStream(() => createLeases());
  stream.publish('ADDED', () => {
    throw new Error('the document was made without a listener');
  });
});
