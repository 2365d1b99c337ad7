import { describe, expect, it } from 'vitest';
import { at, iso, startClinic } from '../testing.ts';

describe('the list of appointments', () => {
  it('is in the order of the starts', async () => {
    const { book, bookingRequest, list } = await startClinic();
    const starts = ['2026-11-04T14:00:00.000Z', '2026-11-03T18:00:00.000Z', '2026-11-03T14:00:00.000Z'];
    for (const start of starts) await book(bookingRequest(start));
    expect((await list({})).items.map(({ start }) => start)).toEqual(starts.toReversed());
  });

  it('is by patient, doctor, status and time, alone and together', async () => {
    const clinic = await startClinic();
    const [other, elsewhere] = [clinic.addPatient(), clinic.addDoctor().id];
    const a = await clinic.book(clinic.bookingRequest('2026-11-03T14:00:00.000Z'));
    const b = await clinic.book(clinic.bookingRequest('2026-11-03T15:00:00.000Z', { patientId: other }));
    const c = await clinic.book(clinic.bookingRequest('2026-11-04T14:00:00.000Z', { doctorId: elsewhere }));
    const d = await clinic.book(
      clinic.bookingRequest('2026-11-05T14:00:00.000Z', { patientId: other, doctorId: elsewhere }),
    );
    await clinic.post(`/${b.id}/cancel`, { reason: 'ill' });
    const ids = async (query: Record<string, string>) => (await clinic.list(query)).items.map(({ id }) => id);
    expect(await ids({})).toEqual([a.id, b.id, c.id, d.id]);
    expect(await ids({ patientId: other })).toEqual([b.id, d.id]);
    expect(await ids({ doctorId: elsewhere })).toEqual([c.id, d.id]);
    expect(await ids({ status: 'cancelled' })).toEqual([b.id]);
    expect(await ids({ patientId: other, status: 'booked' })).toEqual([d.id]);
    expect(await ids({ from: '2026-11-03T15:00:00.000Z', to: '2026-11-05T14:00:00.000Z' })).toEqual([b.id, c.id]);
    expect(await ids({ from: '2026-11-03T17:00:00+02:00', to: '2026-11-05T14:00:01.000Z' })).toEqual([
      b.id,
      c.id,
      d.id,
    ]);
    expect(
      await ids({ patientId: clinic.patientId, doctorId: clinic.doctor.id, to: '2026-11-03T14:00:00.000Z' }),
    ).toEqual([]);
  });

  it('takes several statuses with commas: a day without what was cancelled', async () => {
    const { book, bookingRequest, addPatient, post, list, time } = await startClinic();
    const of = (start: string) => book(bookingRequest(start, { patientId: addPatient() }));
    const [a, b, c, d] = [
      await of('2026-11-03T14:00:00.000Z'),
      await of('2026-11-03T15:00:00.000Z'),
      await of('2026-11-03T16:00:00.000Z'),
      await of('2026-11-04T16:00:00.000Z'),
    ];
    await post(`/${b.id}/cancel`, { reason: 'ill' });
    time.now = Temporal.Instant.from('2026-11-03T14:00:00.000Z');
    await post(`/${a.id}/check-in`);
    const day = { from: '2026-11-03T00:00:00.000Z', to: '2026-11-04T00:00:00.000Z' };
    const ids = async (query: Record<string, string>) => (await list(query)).items.map(({ id }) => id);
    expect(await ids({ ...day, status: 'booked,arrived,checked-in' })).toEqual([a.id, c.id]);
    expect(await ids({ status: 'cancelled,booked,booked' })).toEqual([b.id, c.id, d.id]);
    expect(await ids({ status: 'cancelled,booked', doctorId: a.doctorId })).toEqual([b.id, c.id, d.id]);
    expect(await ids({ status: 'cancelled,checked-in', patientId: b.patientId })).toEqual([b.id]);
    const first = await list({ status: 'checked-in,booked', limit: '2' });
    expect(first.items.map(({ id }) => id)).toEqual([a.id, c.id]);
    const second = await list({ status: 'checked-in,booked', limit: '2', cursor: first.nextCursor ?? '' });
    expect(second.items.map(({ id }) => id)).toEqual([d.id]);
    expect(second.nextCursor).toBeUndefined();
  });

  it('from an instant on holds what is under way then, and before another what starts before it', async () => {
    const { addDoctor, addPatient, addType, book, bookingRequest, list } = await startClinic();
    const open = { start: at('2026-11-02T00:00:00.000Z'), end: at('2026-11-12T00:00:00.000Z') };
    const { id: doctorId } = addDoctor({ open: [open] });
    const long = await addType({ durationMinutes: 1440 });
    const { id } = await book(
      bookingRequest('2026-11-03T10:00:00.000Z', { doctorId, patientId: addPatient(), appointmentTypeId: long.id }),
    );
    const isListed = async (from: string, to: string) => {
      const ids = new Set<string>();
      for (const more of [{}, { doctorId }, { status: 'booked' }, { status: 'booked,noshow' }]) {
        for (const one of (await list({ from, to, ...more })).items) ids.add(one.id);
        expect((await list({ from, to, ...more })).items).toHaveLength(ids.size);
      }
      return ids.has(id);
    };
    expect(await isListed('2026-11-04T09:59:59.999Z', '2026-11-05T00:00:00.000Z')).toBe(true);
    expect(await isListed('2026-11-04T10:00:00.000Z', '2026-11-05T00:00:00.000Z')).toBe(false);
    expect(await isListed('2026-11-03T12:00:00.000Z', '2026-11-03T12:00:00.000Z')).toBe(true);
    expect(await isListed('2026-11-01T00:00:00.000Z', '2026-11-03T10:00:00.000Z')).toBe(false);
    expect(await isListed('2026-11-01T00:00:00.000Z', '2026-11-03T10:00:00.001Z')).toBe(true);
  });

  it('has pages that show everything once, while appointments are booked and moved to earlier times', async () => {
    const clinic = await startClinic();
    const doctors = [clinic.doctor.id, clinic.addDoctor().id, clinic.addDoctor().id];
    const there: string[] = [];
    for (const day of [3, 4, 5]) {
      // The same start three times, because the page may end between them.
      for (const doctorId of doctors) {
        const patientId = clinic.addPatient();
        there.push(
          (await clinic.book(clinic.bookingRequest(`2026-11-0${day}T16:00:00.000Z`, { doctorId, patientId }))).id,
        );
      }
    }
    const seen: string[] = [];
    let cursor: string | undefined;
    let start = at('2026-11-03T14:00:00.000Z');
    do {
      const page = await clinic.list({ limit: '2', ...(cursor !== undefined && { cursor }) });
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
      await clinic.book(clinic.bookingRequest(iso(start)));
      start += 3_600_000;
      if (start > at('2026-11-03T15:00:00.000Z')) start = at('2026-11-02T14:00:00.000Z') + seen.length * 3_600_000;
    } while (cursor !== undefined && seen.length < 20);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toEqual(expect.arrayContaining(there));
  });

  it('refuses what is not a filter', async () => {
    const { call } = await startClinic();
    for (const query of [
      'patientId=ana',
      'status=done',
      'status=',
      'status=booked,',
      'status=booked,done',
      'status=booked%20arrived',
      'from=today',
      'limit=0',
      'cursor=x',
      'cursor=WzEsImFuYSJd',
      'name=Ana',
    ]) {
      expect(await call('GET', `/appointments?${query}`)).toMatchObject({
        status: 400,
        body: { code: 'invalid-request' },
      });
    }
  });
});
