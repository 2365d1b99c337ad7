import { type CloudEvent, type ParkedEvent, ParkedEventPage } from '@daybook/contracts';
import { newId } from '@daybook/database';
import { createParser } from '@daybook/service';
import { ADMINISTRATOR, authorizationOf } from '@daybook/service/testing';
import { sql } from 'kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import { appointmentData, appointmentEvent, startNotifications } from '../testing.ts';

const LIST = '/api/v1/admin/parked-events';
const readPage = createParser(ParkedEventPage);

async function startWithParked(count = 1) {
  const service = await startNotifications();
  const { database, bus, app } = service;
  /** The body of a trigger that rejects every message while it exists. */
  const refusal =
    database.dialect.name === 'sqlite'
      ? "begin select raise(abort, 'no room'); end"
      : "for each row signal sqlstate '45000' set message_text = 'no room'";
  const refuseMessages = () =>
    database.write((db) => sql.raw(`create trigger refuse_messages before insert on messages ${refusal}`).execute(db));
  const mend = () => database.write((db) => sql.raw('drop trigger if exists refuse_messages').execute(db));
  onTestFinished(async () => void (await mend()));
  const data = appointmentData();
  const events = Array.from({ length: count }, (_, index) => appointmentEvent('booked', data, index + 1));
  await refuseMessages();
  for (const event of events) await bus.publish(event);

  async function list(query = '') {
    const response = await app.inject({ url: `${LIST}${query}`, headers: await authorizationOf(ADMINISTRATOR) });
    expect(response.statusCode).toBe(200);
    return { ...readPage(response.json()), link: response.headers.link };
  }
  async function resend(
    event: Pick<CloudEvent, 'id'>,
    headers = {},
    consumer = 'notification.messages',
    payload?: object,
  ) {
    const url = `${LIST}/${consumer}/${event.id}/resend`;
    const all = { ...(await authorizationOf(ADMINISTRATOR)), ...headers };
    const response = await app.inject({ method: 'POST', url, headers: all, ...(payload && { payload }) });
    return {
      status: response.statusCode,
      body: response.json<ParkedEvent & { code?: string; detail?: string }>(),
      response,
    };
  }
  const [event = appointmentEvent('booked', data)] = events;
  return { ...service, data, event, events, mend, list, resend };
}

describe('the parked events of this service', () => {
  it('are listed with ids and times only', async () => {
    const { event, list } = await startWithParked();
    const { items, nextCursor } = await list();
    expect(nextCursor).toBeUndefined();
    expect(items).toEqual([
      {
        consumer: 'notification.messages',
        eventId: event.id,
        type: 'daybook.appointment.booked.v1',
        subject: event.subject,
        sequence: 1,
        source: '/services/appointment',
        time: '2026-11-02T08:00:00.000Z',
        reason: 'Error',
        parkedAt: expect.any(String),
      },
    ]);
  });

  it('are listed in pages, oldest first, each linked to the next', async () => {
    const { app, events, list } = await startWithParked(5);
    const first = await list('?limit=2');
    const second = await list(`?limit=2&cursor=${first.nextCursor}`);
    expect(first.link).toBe(`<${LIST}?limit=2&cursor=${first.nextCursor}>; rel="next"`);
    const third = await list(`?limit=2&cursor=${second.nextCursor}`);
    expect([first, second, third].flatMap(({ items }) => items.map(({ eventId }) => eventId))).toEqual(
      events.map(({ id }) => id),
    );
    expect(third.nextCursor).toBeUndefined();
    for (const query of ['?limit=101', '?cursor=nonsense', '?reason=x']) {
      expect(
        (await app.inject({ url: LIST + query, headers: await authorizationOf(ADMINISTRATOR) })).json(),
      ).toMatchObject({ status: 400, code: 'invalid-request' });
    }
  });
});

describe('a parked event that is sent again', () => {
  it('is returned as it was, and its message is there once', async () => {
    const { event, data, mend, list, resend, bus, messages } = await startWithParked();
    const [parked] = (await list()).items;
    await mend();
    expect(await resend(event)).toMatchObject({ status: 200, body: parked });
    expect((await list()).items).toEqual([]);
    await bus.publish(event);
    expect((await messages(data.appointmentId)).map(({ kind }) => kind)).toEqual(['booked']);
  });

  it('is refused while it cannot be handled, and can be sent again later', async () => {
    const { event, data, mend, list, resend, messages } = await startWithParked();
    const { status, body } = await resend(event);
    expect([status, body.code, body.detail]).toEqual([
      409,
      'still-parked',
      'It failed again (Error) and stays parked.',
    ]);
    expect((await list()).items).toHaveLength(1);
    await mend();
    expect((await resend(event)).status).toBe(200);
    expect(await messages(data.appointmentId)).toHaveLength(1);
  });

  it('has its effect once for several simultaneous requests, of which the others get 404', async () => {
    const { event, data, mend, resend, messages } = await startWithParked();
    await mend();
    const responses = await Promise.all([1, 2, 3].map(() => resend(event)));
    expect(responses.map(({ status }) => status).toSorted()).toEqual([200, 404, 404]);
    expect(await messages(data.appointmentId)).toHaveLength(1);
  });

  it('does not have the last word when newer events of its subject were handled meanwhile', async () => {
    const { event, data, mend, resend, bus, messages } = await startWithParked();
    await mend();
    await bus.publish(appointmentEvent('rescheduled', data, 2));
    await bus.publish(appointmentEvent('cancelled', data, 3));
    expect((await resend(event)).status).toBe(200);
    expect((await messages(data.appointmentId)).map(({ kind }) => kind)).toEqual([
      'booked',
      'rescheduled',
      'cancelled',
    ]);
  });

  it('replays the first response to a retry with the same Idempotency-Key', async () => {
    const { event, data, mend, resend, messages } = await startWithParked();
    await mend();
    const key = { 'idempotency-key': 'one' };
    const first = await resend(event, key);
    const second = await resend(event, key);
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(second.body).toEqual(first.body);
    expect(second.response.headers['idempotency-replayed']).toBe('true');
    expect(await messages(data.appointmentId)).toHaveLength(1);
  });

  it('runs again under a new Idempotency-Key only', async () => {
    const { event, mend, resend } = await startWithParked();
    expect((await resend(event, { 'idempotency-key': 'one' })).status).toBe(409);
    await mend();
    expect((await resend(event, { 'idempotency-key': 'one' })).status).toBe(409);
    expect((await resend(event, { 'idempotency-key': 'two' })).status).toBe(200);
  });

  it('is refused with If-Match, since it has no version', async () => {
    const { event, mend, list, resend } = await startWithParked();
    await mend();
    expect(await resend(event, { 'if-match': '"1"' })).toMatchObject({ status: 412 });
    expect((await list()).items).toHaveLength(1);
  });

  it('takes no body', async () => {
    const { event, resend } = await startWithParked();
    expect(await resend(event, {}, undefined, { force: true })).toMatchObject({
      status: 400,
      body: { code: 'invalid-request', errors: [{ pointer: '/force', message: 'is not known here' }] },
    });
  });

  it('is not found where nothing of that id or consumer is', async () => {
    const { event, resend } = await startWithParked();
    expect(await resend({ id: newId() })).toMatchObject({ status: 404, body: { code: 'not-found' } });
    expect(await resend({ id: 'nonsense' })).toMatchObject({ status: 404, body: { code: 'not-found' } });
    expect(await resend(event, {}, 'notification.old')).toMatchObject({
      status: 404,
      body: { detail: 'There is no consumer with this name.' },
    });
  });
});
