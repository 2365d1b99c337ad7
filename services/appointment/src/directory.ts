/** The patient and the doctor service, asked through discovery and the resilient client. */
import {
  Availability,
  AvailabilityPage,
  MAX_LIMIT,
  MAX_SEARCHED_DOCTORS,
  PatientEligibility,
  Refusal,
} from '@daybook/contracts';
import { isoFromMillis } from '@daybook/database';
import type { ServiceClient } from '@daybook/discovery';
import { readerOf } from '@daybook/service';
import type { DoctorFacts } from './domain/booking-rules.ts';
import { createFlights } from './domain/flights.ts';
import type { Interval } from './domain/grid.ts';
import type { Asking, Directory } from './domain/ports.ts';
import { toMillis } from './domain/time.ts';

const readPatient = readerOf(PatientEligibility);
const readAvailability = readerOf(Availability);
const readAvailabilities = readerOf(AvailabilityPage);

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

const factsOf = ({ doctorId, version, timeZone, active, appointmentTypeIds, items }: Availability): DoctorFacts => ({
  id: doctorId,
  version,
  timeZone,
  active,
  offers: appointmentTypeIds && new Set(appointmentTypeIds),
  open: items.map((hours) => ({ ...hours, start: toMillis(hours.start), end: toMillis(hours.end) })),
});

export function createDirectory(patients: ServiceClient, doctors: ServiceClient): Directory {
  const availabilities = createFlights<DoctorFacts[]>();

  async function availabilityOf(id: string, range: Interval, asking: Asking): Promise<DoctorFacts[]> {
    const path = `/api/v1/doctors/${id}/availability?${new URLSearchParams(writable(range))}`;
    const found = await get(doctors, path, asking, readAvailability);
    return found ? [factsOf(found)] : [];
  }

  async function availabilitiesOf(specialty: string, range: Interval, asking: Asking): Promise<DoctorFacts[]> {
    const query = new URLSearchParams({ specialty, ...writable(range), limit: String(MAX_LIMIT) });
    const known: DoctorFacts[] = [];
    while (known.length < MAX_SEARCHED_DOCTORS) {
      const page = await get(doctors, `/api/v1/availability?${query}`, asking, readAvailabilities);
      known.push(...(page?.items ?? []).map(factsOf));
      if (page?.nextCursor === undefined || page.items.length === 0) break;
      query.set('cursor', page.nextCursor);
    }
    return known.slice(0, MAX_SEARCHED_DOCTORS);
  }

  const keyOf = (kind: 'doctor' | 'specialty', name: string, { start, end }: Interval) =>
    [kind, name, start, end].join(' ');

  return {
    patient: (id, asking) => get(patients, `/api/v1/patients/${id}/eligibility`, asking, readPatient),

    // Many ask for the same at once: where a time is taken that all want, and when a doctor's calendar opens.
    async doctor(id, range, asking) {
      const [found] = await availabilities(keyOf('doctor', id, range), () => availabilityOf(id, range, asking));
      return found;
    },

    doctorsOf: (specialty, range, asking) =>
      availabilities(keyOf('specialty', specialty, range), () => availabilitiesOf(specialty, range, asking)),
  };
}
