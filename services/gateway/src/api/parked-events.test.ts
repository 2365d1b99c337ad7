import type { IncomingMessage, RequestListener } from 'node:http';
import { PARKED_EVENTS_PATH, type ParkedEvent, ParkedEventPage } from '@daybook/contracts';
import { createParser } from '@daybook/service';
import { describe, expect, test } from 'vitest';
import type { Route } from '../routes/route.ts';
import {
  createTestDiscovery,
  headersOf,
  startGateway,
  startKeySetServer,
  startServer,
  unreachableUrl,
} from '../testing.ts';

const routeOf = (consumer: string, service: string): Route => ({
  id: `parked-events-of-${consumer.replace('.', '-')}`,
  predicates: { path: [`${PARKED_EVENTS_PATH}/${consumer}/**`] },
  service,
});
const ROUTES = [
  routeOf('notification.messages', 'notification-service'),
  routeOf('notification.reminders', 'notification-service'),
  routeOf('appointment.revalidation', 'appointment-service'),
];

const idOf = (n: number) => `01900000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;

/** Returns the n-th event. Three are parked in the same millisecond, which sometimes ends a second. */
const parkedEvent = (consumer: string, n: number): ParkedEvent => ({
  consumer,
  eventId: idOf(n),
  type: 'daybook.appointment.booked.v1',
  subject: idOf(1),
  sequence: n,
  source: '/services/appointment',
  time: '2026-11-23T14:00:00Z',
  reason: 'Error',
  parkedAt: Temporal.Instant.from('2026-11-23T14:00:00Z')
    .add({ milliseconds: 250 * Math.floor(n / 3) })
    .toString(),
});

const keyOf = ({ parkedAt, consumer, eventId }: ParkedEvent) =>
  `${Temporal.Instant.from(parkedAt).epochMilliseconds} ${consumer} ${eventId}`;

/** Responds like a service, with cursors that another service can read. */
const serving =
  (events: readonly ParkedEvent[], note: (request: IncomingMessage) => void = () => undefined): RequestListener =>
  (request, response) => {
    note(request);
    const { searchParams } = new URL(request.url ?? '', 'http://x');
    const limit = Number(searchParams.get('limit'));
    const cursor = searchParams.get('cursor');
    const [, key = ''] = cursor?.split('.') ?? [];
    const after = cursor === null ? '' : JSON.parse(Buffer.from(key, 'base64url').toString('utf8')).join(' ');
    const rows = events.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)).filter((event) => keyOf(event) > after);
    const more = rows.length > limit && { nextCursor: 'of this service alone' };
    response.setHeader('content-type', 'application/json; charset=utf-8');
    response.end(JSON.stringify({ items: rows.slice(0, limit), ...more }));
  };

async function startList(listeners: { notification: RequestListener; appointment: RequestListener }) {
  const discovery = createTestDiscovery();
  const notification = await startServer(listeners.notification);
  const appointment = await startServer(listeners.appointment);
  discovery.setInstances('notification-service', [notification.url]);
  discovery.setInstances('appointment-service', [appointment.url]);
  const identity = await startKeySetServer();
  const { url } = await startGateway({ routes: ROUTES, discovery, identity: [identity.url] });
  return { url, discovery, notification, appointment };
}

const readPage = createParser(ParkedEventPage);

/** Sends a request of an administrator. */
const readAt = async (address: string) => fetch(address, { headers: await headersOf('administrator') });

async function listFrom(address: string) {
  const response = await readAt(address);
  expect(response.status).toBe(200);
  const page = readPage(await response.json());
  return { ...page, next: /^<(.*)>; rel="next"$/.exec(response.headers.get('link') ?? '')?.[1] };
}

async function wholeList(url: string, limit: number): Promise<string[]> {
  const seen: string[] = [];
  let next: string | undefined = `${PARKED_EVENTS_PATH}?limit=${limit}`;
  while (next !== undefined) {
    const page = await listFrom(url + next);
    expect(page.items.length).toBeLessThanOrEqual(limit);
    expect(page.next === undefined).toBe(page.nextCursor === undefined);
    seen.push(...page.items.map(keyOf));
    next = page.next;
  }
  return seen;
}

describe('the parked events of all services', () => {
  const ofNotification = Array.from({ length: 24 }, (_, n) =>
    parkedEvent(n % 2 === 0 ? 'notification.messages' : 'notification.reminders', 2 * n),
  );
  const ofAppointment = Array.from({ length: 10 }, (_, n) => parkedEvent('appointment.revalidation', 5 * n));
  const inOrder = [...ofNotification, ...ofAppointment].map(keyOf).sort();

  test.each([1, 2, 7, 10, 24, 33, 34, 35, 100])(
    'are one list, oldest parked first, whole when it is read in pages of %i',
    async (limit) => {
      const { url } = await startList({ notification: serving(ofNotification), appointment: serving(ofAppointment) });
      expect(await wholeList(url, limit)).toEqual(inOrder);
    },
  );

  test.each([
    ['none has any', [], [], 0],
    ['one of them has none', ofNotification, [], 24],
    ['all are of the other', [], ofAppointment, 10],
  ])('are one list also when %s', async (_what, notification, appointment, count) => {
    const { url } = await startList({ notification: serving(notification), appointment: serving(appointment) });
    expect(await wholeList(url, 5)).toHaveLength(count);
  });

  test('are requested of each service once, with the query and the caller of the client', async () => {
    const seen: unknown[] = [];
    const noting = serving([], ({ headers }) => {
      seen.push([headers.authorization, headers['x-request-id'], headers.traceparent?.slice(3, 35)]);
    });
    const { url, notification, appointment } = await startList({ notification: noting, appointment: noting });
    const trace = '0af7651916cd43dd8448eb211c80319c';
    const { authorization } = await headersOf('administrator');
    await fetch(`${url}${PARKED_EVENTS_PATH}?limit=3`, {
      headers: {
        authorization,
        'x-request-id': 'mine',
        traceparent: `00-${trace}-b7ad6b7169203331-01`,
      },
    });
    expect(notification.requests).toEqual([`GET ${PARKED_EVENTS_PATH}?limit=3`]);
    expect(appointment.requests).toEqual(notification.requests);
    expect(seen).toEqual(Array(2).fill([authorization, 'mine', trace]));
  });

  test.each(['limit=0', 'limit=101', 'cursor=nonsense', 'consumer=x'])('are not given for %s', async (query) => {
    const { url, notification } = await startList({ notification: serving([]), appointment: serving([]) });
    const response = await readAt(`${url}${PARKED_EVENTS_PATH}?${query}`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'invalid-request', instance: PARKED_EVENTS_PATH });
    expect(notification.requests).toEqual([]);
  });

  test('are not given to a caller whom a service refuses', async () => {
    const refusing: RequestListener = (_request, response) => response.writeHead(403).end();
    const { url } = await startList({ notification: serving([]), appointment: refusing });
    const response = await readAt(url + PARKED_EVENTS_PATH);
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ code: 'forbidden', instance: PARKED_EVENTS_PATH });
  });

  test.each<[string, RequestListener]>([
    ['does not know the list', (_request, response) => response.writeHead(404).end()],
    ['fails', (_request, response) => response.writeHead(500).end()],
    [
      'returns something else',
      (_request, response) =>
        response.writeHead(200, { 'content-type': 'application/json' }).end('{"items":[{"eventId":1}]}'),
    ],
    ['breaks', (request) => void request.socket.destroy()],
  ])('are not given in part: the response names the service that %s', async (_what, listener) => {
    const { url } = await startList({ notification: serving(ofNotification), appointment: listener });
    const response = await readAt(url + PARKED_EVENTS_PATH);
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await response.json()).toMatchObject({
      code: 'service-unavailable',
      detail: 'The appointment service is not available.',
    });
  });

  test('are not given in part: the response names the service that is away', async () => {
    const { url, discovery } = await startList({ notification: serving([]), appointment: serving([]) });
    for (const urls of [[await unreachableUrl()], []]) {
      discovery.setInstances('notification-service', urls);
      const response = await readAt(url + PARKED_EVENTS_PATH);
      expect(response.status).toBe(503);
      expect(await response.json()).toMatchObject({ detail: 'The notification service is not available.' });
    }
  });

  test.each([
    ['without sign-in', undefined, 401],
    ['of a doctor', 'doctor', 403],
  ] as const)('are not requested for a caller %s', async (_what, role, status) => {
    const { url, notification } = await startList({ notification: serving([]), appointment: serving([]) });
    const headers = role && (await headersOf(role));
    expect((await fetch(url + PARKED_EVENTS_PATH, headers && { headers })).status).toBe(status);
    expect(notification.requests).toEqual([]);
  });

  test('are not listed where no service has a consumer', async () => {
    const identity = await startKeySetServer();
    const { url } = await startGateway({ identity: [identity.url] });
    expect((await readAt(url + PARKED_EVENTS_PATH)).status).toBe(404);
  });
});

describe('sending a parked event again', () => {
  test('goes to the service of its consumer, and nowhere for an unknown consumer', async () => {
    const respondEmpty: RequestListener = (_request, response) => response.end();
    const { url, notification, appointment } = await startList({
      notification: respondEmpty,
      appointment: respondEmpty,
    });
    const resend = (consumer: string) =>
      fetch(`${url}${PARKED_EVENTS_PATH}/${consumer}/${idOf(1)}/resend`, { method: 'POST' });
    expect((await resend('notification.reminders')).status).toBe(200);
    expect((await resend('appointment.revalidation')).status).toBe(200);
    expect((await resend('appointment.other')).status).toBe(404);
    expect(notification.requests).toEqual([`POST ${PARKED_EVENTS_PATH}/notification.reminders/${idOf(1)}/resend`]);
    expect(appointment.requests).toEqual([`POST ${PARKED_EVENTS_PATH}/appointment.revalidation/${idOf(1)}/resend`]);
  });
});
