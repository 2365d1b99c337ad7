/** One booking through every service, which must work with every gateway and every registry. */
import { type DaybookClient, expectData } from '@daybook/client';
import { instantText } from '@daybook/contracts';
import type { System } from '@daybook/launcher';
import { halfHour, makeClinic } from '@daybook/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';

export interface JourneyContext {
  /** The client of an empty clinic. */
  readonly client: DaybookClient;
  /** Stops and restarts a service. */
  readonly system: Pick<System, 'stop' | 'restart'>;
}

const POLL_OPTIONS = { timeout: 20_000 };

const nextMonday = Temporal.Now.plainDateISO('America/New_York').add({ days: 7 });
const monday = nextMonday.subtract({ days: nextMonday.dayOfWeek - 1 });
const at = (time: string) =>
  instantText(
    monday.toZonedDateTime({ timeZone: 'America/New_York', plainTime: Temporal.PlainTime.from(time) }).toInstant(),
  );

/** Describes the journey. `begin` adds to the stack what must be ended. */
export function describeGoldenJourney(
  setUp: (stack: AsyncDisposableStack) => Promise<JourneyContext>,
  setUpMillis?: number,
): void {
  const stack = new AsyncDisposableStack();
  let client: DaybookClient;
  let system: JourneyContext['system'];

  beforeAll(async () => {
    ({ client, system } = await setUp(stack));
  }, setUpMillis);
  afterAll(() => stack.disposeAsync());

  it('takes one booking through every service', async () => {
    const registered = await client.POST('/api/v1/patients', {
      // The demo clinic has a patient with these names.
      body: {
        ...{ givenName: 'Ana', familyName: 'Silva', birthDate: '1990-02-01', email: 'ana@example.org' },
        confirmedNew: true,
      },
    });
    const patient = expectData(registered);
    expect(registered.response.status).toBe(201);
    expect(registered.response.headers.get('location')).toBe(`/api/v1/patients/${patient.id}`);

    const doctor = expectData(
      await client.POST('/api/v1/doctors', {
        body: {
          givenName: 'Noor',
          familyName: 'Haddad',
          specialties: ['general-practice'],
          timeZone: 'America/New_York',
        },
      }),
    );
    expectData(
      await client.PUT('/api/v1/doctors/{id}/schedule', {
        params: { path: { id: doctor.id } },
        body: {
          timeZone: 'America/New_York',
          weeklyHours: [
            { day: 'monday', start: '09:00', end: '12:00' },
            { day: 'monday', start: '13:00', end: '17:00' },
          ],
        },
      }),
    );
    const type = expectData(
      await client.POST('/api/v1/appointment-types', { body: { name: 'Follow-up', durationMinutes: 30 } }),
    );

    const bySpecialty = {
      specialty: 'general-practice',
      appointmentTypeId: type.id,
      from: at('00:00'),
      to: at('23:00'),
    };
    const slots = expectData(
      await client.GET('/api/v1/slots', { params: { query: { ...bySpecialty, limit: 100 } } }),
    ).items;
    expect(slots[0]).toEqual({
      doctorId: doctor.id,
      start: at('09:00'),
      end: at('09:30'),
      timeZone: 'America/New_York',
      status: 'free',
    });
    // From 09:00 to 11:30 and from 13:00 to 16:30, every five minutes.
    expect(slots).toHaveLength(31 + 43);

    const body = {
      patientId: patient.id,
      doctorId: doctor.id,
      appointmentTypeId: type.id,
      start: at('09:00'),
      reason: 'follow-up',
    };
    const booking = await client.POST('/api/v1/appointments', { body });
    const booked = expectData(booking);
    expect(booking.response.status).toBe(201);
    expect(booked).toMatchObject({ status: 'booked', sequence: 0, start: at('09:00'), end: at('09:30') });
    const path = { id: booked.id };
    expect(expectData(await client.GET('/api/v1/appointments/{id}', { params: { path } }))).toEqual(booked);

    const refused = await client.POST('/api/v1/appointments', { body });
    expect(refused.response.status).toBe(409);
    expect(refused.response.headers.get('content-type')).toMatch('application/problem+json');
    expect(refused.error).toMatchObject({ code: 'slot-taken', status: 409, instance: '/api/v1/appointments' });
    expect(refused.error?.alternatives?.map(({ start }) => start)).toContain(at('09:30'));
    expect(refused.error?.alternatives).toHaveLength(5);

    const moved = expectData(
      await client.POST('/api/v1/appointments/{id}/reschedule', { params: { path }, body: { start: at('09:15') } }),
    );
    expect(moved).toMatchObject({ id: booked.id, start: at('09:15'), sequence: 1 });
    const cancelled = expectData(
      await client.POST('/api/v1/appointments/{id}/cancel', { params: { path }, body: { reason: 'feels better' } }),
    );
    expect(cancelled).toMatchObject({ status: 'cancelled', sequence: 1 });
    const freeAgain = expectData(
      await client.GET('/api/v1/slots', { params: { query: { ...bySpecialty, limit: 100 } } }),
    );
    expect(freeAgain.items).toEqual(slots);

    const history = expectData(await client.GET('/api/v1/appointments/{id}/history', { params: { path } })).items;
    expect(history.map(({ action }) => action)).toEqual(['booked', 'rescheduled', 'cancelled']);
    expect(history.map(({ by }) => by.role)).toEqual(['administrator', 'administrator', 'administrator']);
    expect(history[1]).toMatchObject({ from: { start: at('09:00') }, to: { start: at('09:15') } });
    expect(history[2]).toMatchObject({ reason: 'feels better' });

    const query = { appointmentId: booked.id };
    const kinds = async () =>
      expectData(await client.GET('/api/v1/notifications', { params: { query } })).items.map(({ kind }) => kind);
    await expect.poll(kinds, POLL_OPTIONS).toEqual(['booked', 'rescheduled', 'cancelled']);
  });

  it.for(['doctor', 'patient'] as const)(
    'returns 503 with Retry-After while the %s service is away, and books again when it is back',
    async (name) => {
      const clinic = await makeClinic(client);
      const body = {
        patientId: clinic.patient.id,
        doctorId: clinic.doctor.id,
        appointmentTypeId: clinic.type.id,
        start: halfHour(1),
      };
      await system.stop(name);
      const refused = await client.POST('/api/v1/appointments', { body });
      expect(refused.response.status).toBe(503);
      expect(Number(refused.response.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(refused.error).toMatchObject({
        code: 'service-unavailable',
        detail: `The ${name} service is not available.`,
      });

      await system.restart(name);
      const status = async () => (await client.POST('/api/v1/appointments', { body })).response.status;
      await expect.poll(status, POLL_OPTIONS).toBe(201);
    },
  );

  it('keeps the messages that are due while the notification service is away', async () => {
    const clinic = await makeClinic(client);
    await system.stop('notification');
    const body = {
      patientId: clinic.patient.id,
      doctorId: clinic.doctor.id,
      appointmentTypeId: clinic.type.id,
      start: halfHour(1),
    };
    const { id } = expectData(await client.POST('/api/v1/appointments', { body }));
    await system.restart('notification');
    const messages = async () => {
      const response = await client.GET('/api/v1/notifications', { params: { query: { appointmentId: id } } });
      return response.data?.items.map(({ kind }) => kind);
    };
    await expect.poll(messages, POLL_OPTIONS).toEqual(['booked']);
  });
}
