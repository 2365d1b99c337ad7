import { Writable } from 'node:stream';
import { createLogger } from '@daybook/service';
import { describe, expect, it } from 'vitest';
import { extra, hours, off, startDoctors, UNKNOWN_ID } from '../testing.ts';

const mondays = { timeZone: 'UTC', weeklyHours: [hours('monday', '09:00', '17:00')] };
const lunch = off('2026-03-02T12:00:00.000Z', '2026-03-02T13:00:00.000Z');
const REASON = 'Surgery of the left knee';

describe('adding an exception', () => {
  it('returns it, its times in UTC, and its Location', async () => {
    const { call, register, exceptions } = await startDoctors();
    const { id } = await register();
    const response = await call('POST', `/${id.toUpperCase()}/exceptions`, {
      kind: 'extra-hours',
      start: '2026-03-07T10:00:00+01:00',
      end: '2026-03-07T12:00:00.5+01:00',
      reason: REASON,
    });
    expect(response).toMatchObject({ status: 201 });
    const { items } = await exceptions(id);
    expect(response.body).toEqual({
      id: items[0]?.id,
      doctorId: id,
      kind: 'extra-hours',
      start: '2026-03-07T09:00:00.000Z',
      end: '2026-03-07T11:00:00.500Z',
      reason: REASON,
      createdAt: '2026-03-02T09:00:00.000Z',
    });
    expect(items).toEqual([response.body]);
    expect(response.headers.location).toBe(`/api/v1/doctors/${id}/exceptions/${items[0]?.id}`);
  });

  it('replays the first response for the same Idempotency-Key and adds once', async () => {
    const { call, register, exceptions, outbox } = await startDoctors();
    const { id } = await register();
    const path = `/${id}/exceptions`;
    const key = { 'idempotency-key': 'k1' };
    const first = await call('POST', path, lunch, key);
    expect(first).toMatchObject({ status: 201 });
    expect(await call('POST', path, lunch, key)).toMatchObject({
      status: 201,
      body: first.body,
      headers: { 'idempotency-replayed': 'true', location: first.headers.location },
    });
    expect(await call('POST', path, { ...lunch, reason: REASON }, key)).toMatchObject({
      status: 422,
      body: { code: 'idempotency-key-reused' },
    });
    expect((await exceptions(id)).items).toHaveLength(1);
    expect(await outbox()).toHaveLength(2);
  });

  it.each([
    ['invalid-interval', off('2026-03-02T12:00:00.000Z', '2026-03-02T12:00:00.000Z')],
    ['range-too-long', off('2026-03-02T00:00:00.000Z', '2027-03-03T00:00:01.000Z')],
  ])('is refused as %s, and changes nothing', async (code, input) => {
    const { call, register, read, exceptions } = await startDoctors();
    const doctor = await register();
    expect(await call('POST', `/${doctor.id}/exceptions`, input)).toMatchObject({ status: 422, body: { code } });
    expect((await exceptions(doctor.id)).items).toEqual([]);
    expect(await read(doctor.id)).toEqual(doctor);
  });

  it('is refused when a field is wrong, missing or unknown', async () => {
    const { call, register } = await startDoctors();
    const { id } = await register();
    for (const wrong of [
      { ...lunch, kind: 'holiday' },
      { ...lunch, start: '2026-03-02T12:00:00' },
      { ...lunch, end: undefined },
      { ...lunch, reason: '' },
      { ...lunch, reason: 'x'.repeat(501) },
      { ...lunch, doctorId: id },
    ]) {
      expect(await call('POST', `/${id}/exceptions`, wrong)).toMatchObject({
        status: 400,
        body: { code: 'invalid-request' },
      });
    }
  });

  it('with If-Match is refused when the doctor has changed', async () => {
    const { call, register, addException } = await startDoctors();
    const { id } = await register();
    const { id: exceptionId } = await addException(id, lunch);
    const stale = { 'if-match': '"1"' };
    expect(await call('POST', `/${id}/exceptions`, lunch, stale)).toMatchObject({ status: 412 });
    const path = `/${id}/exceptions/${exceptionId}`;
    expect(await call('DELETE', path, undefined, stale)).toMatchObject({ status: 412 });
    expect(await call('DELETE', path, undefined, { 'if-match': '"2"' })).toMatchObject({ status: 204 });
  });
});

describe('removing an exception', () => {
  it('returns 204 without a body, and 404 the second time', async () => {
    const { call, register, addException, exceptions } = await startDoctors();
    const { id } = await register();
    const path = `/${id}/exceptions/${(await addException(id, lunch)).id}`;
    expect(await call('DELETE', path)).toMatchObject({ status: 204, body: undefined });
    expect((await exceptions(id)).items).toEqual([]);
    expect(await call('DELETE', path)).toMatchObject({ status: 404, body: { code: 'not-found' } });
  });

  it('works under its own doctor only', async () => {
    const { call, register, addException, exceptions } = await startDoctors();
    const [noor, other] = [await register(), await register()];
    const { id } = await addException(noor.id, lunch);
    expect(await call('DELETE', `/${other.id}/exceptions/${id}`)).toMatchObject({ status: 404 });
    expect((await exceptions(noor.id)).items).toHaveLength(1);
    expect((await exceptions(other.id)).items).toEqual([]);
  });

  it('gives the time back', async () => {
    const { call, registerWith, addException, open } = await startDoctors();
    const { id } = await registerWith(mondays);
    const day = ['2026-03-02T00:00:00.000Z', '2026-03-03T00:00:00.000Z'] as const;
    const whole = ['2026-03-02T09:00:00.000Z/2026-03-02T17:00:00.000Z'];
    const leave = await addException(id, lunch);
    expect(await open(id, ...day)).toEqual([
      '2026-03-02T09:00:00.000Z/2026-03-02T12:00:00.000Z',
      '2026-03-02T13:00:00.000Z/2026-03-02T17:00:00.000Z',
    ]);
    await call('DELETE', `/${id}/exceptions/${leave.id}`);
    expect(await open(id, ...day)).toEqual(whole);
  });
});

it('exceptions are of a doctor who is there', async () => {
  const { call } = await startDoctors();
  const none = { status: 404, body: { code: 'not-found' } };
  expect(await call('GET', `/${UNKNOWN_ID}/exceptions`)).toMatchObject(none);
  expect(await call('POST', `/${UNKNOWN_ID}/exceptions`, lunch)).toMatchObject(none);
  expect(await call('DELETE', `/${UNKNOWN_ID}/exceptions/${UNKNOWN_ID}`)).toMatchObject(none);
});

it('each change of an exception raises the version of the doctor and is an event, without the reason', async () => {
  const { call, register, addException, outbox, read, time } = await startDoctors();
  const { id } = await register();
  time.now = time.now.add({ hours: 1 });
  const leave = await addException(id, { ...lunch, reason: REASON });
  const { id: more } = await addException(id, {
    ...extra('2026-03-07T09:00:00.000Z', '2026-03-07T12:00:00.000Z'),
    reason: REASON,
  });
  await call('DELETE', `/${id.toUpperCase()}/exceptions/${leave.id.toUpperCase()}`);
  expect(await read(id)).toMatchObject({ version: 4, updatedAt: '2026-03-02T10:00:00.000Z' });
  const events = await outbox();
  const parsed = events.slice(1).map((event): unknown => JSON.parse(event));
  const data = { doctorId: id, exceptionId: leave.id, ...lunch };
  expect(parsed).toMatchObject([
    { type: 'daybook.doctor.exception-added.v1', subject: id, sequence: 2, time: '2026-03-02T10:00:00.000Z', data },
    { type: 'daybook.doctor.exception-added.v1', subject: id, sequence: 3, data: { exceptionId: more } },
    { type: 'daybook.doctor.exception-removed.v1', subject: id, sequence: 4, data },
  ]);
  expect(events.join()).not.toContain('knee');
});

it('no log holds the reason of an exception, be it taken or refused', async () => {
  const lines: string[] = [];
  const destination = new Writable({
    write(line, _encoding, done) {
      lines.push(String(line));
      done();
    },
  });
  const { database, call, register, addException } = await startDoctors(createLogger({ level: 'trace', destination }));
  const { id } = await register();
  const withReason = { ...lunch, reason: REASON };
  const { id: exceptionId } = await addException(id, withReason);
  await call('DELETE', `/${id}/exceptions/${exceptionId}`);
  await call('POST', `/${id}/exceptions`, { ...withReason, end: withReason.start });
  await call('POST', `/${id}/exceptions`, { ...withReason, kind: REASON });
  // An unexpected failure is logged, too.
  await database.write((transaction) => transaction.schema.dropTable('schedule_exceptions').execute());
  expect(await call('POST', `/${id}/exceptions`, withReason)).toMatchObject({ status: 500 });
  expect(lines).not.toEqual([]);
  expect(lines.join()).not.toContain('knee');
});
