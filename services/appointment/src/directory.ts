/** The patient and the doctor service, asked through discovery and the resilient client. */
import { Availability, DoctorPage, MAX_LIMIT, MAX_SEARCHED_DOCTORS, Patient, Refusal } from '@daybook/contracts';
import { isoFromMillis } from '@daybook/database';
import type { ServiceClient } from '@daybook/discovery';
import { readerOf } from '@daybook/service';
import type { Interval } from './domain/grid.ts';
import type { Asking, Directory } from './domain/ports.ts';
import { toMillis } from './domain/time.ts';

const readPatient = readerOf(Patient);
const readAvailability = readerOf(Availability);
const readDoctors = readerOf(DoctorPage);

/** Undefined when the answer is that there is nothing. Any other refusal means that the parts do not fit together. */
async function get<Resource>(
  client: ServiceClient,
  path: string,
  { traceparent }: Asking,
  read: (body: unknown) => Resource,
): Promise<Resource | undefined> {
  const headers: Record<string, string> = traceparent === undefined ? {} : { traceparent };
  const answer = await client.get(path, { headers });
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) {
    throw new Refusal('part-unavailable', 'A part answered what was not expected.', { retryAfterSeconds: 1 });
  }
  return read(answer.body);
}

const FIRST_WRITABLE = toMillis('0000-01-01T00:00:00Z');
const LAST_WRITABLE = toMillis('9999-12-31T23:59:59.999Z');

/** RFC 3339 has years of four digits. What of a range lies beyond them no rule of booking allows anyway. */
function writable({ start, end }: Interval): { from: string; to: string } {
  const within = (millis: number) => isoFromMillis(Math.min(Math.max(millis, FIRST_WRITABLE), LAST_WRITABLE));
  return { from: within(start), to: within(end) };
}

export function createDirectory(patients: ServiceClient, doctors: ServiceClient): Directory {
  return {
    patient: (id, asking) => get(patients, `/api/v1/patients/${id}`, asking, readPatient),

    async doctor(id, range, asking) {
      const query = new URLSearchParams(writable(range));
      const path = `/api/v1/doctors/${id}/availability?${query}`;
      const availability = await get(doctors, path, asking, readAvailability);
      if (!availability) return undefined;
      const open = availability.items.map(({ start, end }) => ({
        start: toMillis(start),
        end: toMillis(end),
      }));
      return { id, timeZone: availability.timeZone, active: availability.active, open };
    },

    async doctorsOf(specialty, asking) {
      const query = new URLSearchParams({ specialty, active: 'true', limit: String(MAX_LIMIT) });
      const ids: string[] = [];
      while (ids.length < MAX_SEARCHED_DOCTORS) {
        const page = await get(doctors, `/api/v1/doctors?${query}`, asking, readDoctors);
        ids.push(...(page?.items ?? []).map(({ id }) => id));
        if (page?.nextCursor === undefined || page.items.length === 0) break;
        query.set('cursor', page.nextCursor);
      }
      return ids.slice(0, MAX_SEARCHED_DOCTORS);
    },
  };
}
