/** Wall-clock time belongs to a place, which is never the place of the server. */
import { expect, it, vi } from 'vitest';
import { extra, hours, off, startDoctors } from '../testing.ts';

/** Returns all responses with times for one doctor, on an evening in New York when UTC has the next day. */
async function responsesOfServerIn(zone: string): Promise<unknown[]> {
  vi.stubEnv('TZ', zone);
  expect(Temporal.Now.timeZoneId()).toBe(zone);
  const { call, register, addException, time } = await startDoctors();
  time.now = Temporal.Instant.from('2026-12-01T03:00:00.000Z');
  const timeZone = 'America/New_York';
  const { id } = await register({ givenName: 'Noor', familyName: 'Haddad', timeZone });
  const weeklyHours = [hours('monday', '18:00', '24:00'), hours('sunday', '00:30', '03:00')];
  await call('PUT', `/${id}/schedule`, { timeZone, weeklyHours });
  await call('PUT', `/${id}/schedule`, { timeZone, weeklyHours: weeklyHours.slice(0, 1), validFrom: '2026-12-01' });
  await addException(id, off('2026-11-24T00:00:00.000Z', '2026-11-24T01:00:00.000Z'));
  await addException(id, extra('2026-12-02T00:00:00.000Z', '2026-12-02T01:00:00.000Z'));
  const paths = [
    'schedule',
    'schedule?on=2026-12-01',
    'availability?from=2026-10-31T00:00:00.000Z&to=2026-12-20T00:00:00.000Z',
    'availability?from=2026-03-01T00:00:00-12:00&to=2026-03-15T00:00:00%2B14:00',
  ];
  const responses = await Promise.all(paths.map((path) => call('GET', `/${id}/${path}`)));
  return responses.map(({ status, headers, body }) => [status, headers.etag, { ...Object(body), doctorId: undefined }]);
}

it('a server in any other zone than the clinic gives the same responses', async () => {
  const expected = await responsesOfServerIn('America/New_York');
  expect(expected[0]).toMatchObject([200, '"3"', { validThrough: '2026-11-30' }]);
  expect(JSON.stringify(expected[2])).toContain('"start":"2026-12-07T23:00:00.000Z"');
  for (const zone of ['UTC', 'Pacific/Kiritimati', 'Pacific/Pago_Pago', 'Europe/Lisbon', 'Australia/Lord_Howe']) {
    expect(await responsesOfServerIn(zone)).toEqual(expected);
  }
});
