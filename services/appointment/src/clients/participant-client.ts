/** Calls the patient and the doctor service through discovery and the resilient client. */

import { createCoalescer } from '@daybook/async';
import {
  Availability,
  AvailabilityPage,
  clampToRfc3339,
  MAX_LIMIT,
  MAX_SEARCHED_DOCTORS,
  PatientEligibility,
  Refusal,
  toMillis,
} from '@daybook/contracts';
import { isoFromMillis } from '@daybook/database';
import { type AuthorizedClient, createParser } from '@daybook/service';
import type { DoctorFacts } from '../domain/booking/rules.ts';
import type { ParticipantClient, RequestContext } from '../domain/ports.ts';
import type { Interval } from '../domain/slots/grid.ts';

const readPatient = createParser(PatientEligibility);
const readAvailability = createParser(Availability);
const readAvailabilities = createParser(AvailabilityPage);

/**
 * Returns undefined when the service reports that the resource does not exist.
 * Any other rejection means that the services are incompatible.
 */
async function get<Resource>(
  client: AuthorizedClient,
  path: string,
  { traceparent }: RequestContext,
  read: (body: unknown) => Resource,
): Promise<Resource | undefined> {
  const headers: Record<string, string> = traceparent === undefined ? {} : { traceparent };
  const response = await client.get(path, { headers });
  if (response.status === 404) return undefined;
  if (response.status !== 200) {
    throw new Refusal('service-unavailable', 'A required service sent an unexpected response.', {
      retryAfterSeconds: 1,
    });
  }
  return read(response.body);
}

/** Cuts a range at the years of four digits that RFC 3339 has. No rule of booking allows a time beyond them. */
function toRfc3339Range({ start, end }: Interval): { from: string; to: string } {
  return { from: isoFromMillis(clampToRfc3339(start)), to: isoFromMillis(clampToRfc3339(end)) };
}

const factsOf = ({
  doctorId,
  version,
  timeZone,
  active,
  appointmentTypeIds,
  items,
  closed,
}: Availability): DoctorFacts => ({
  id: doctorId,
  version,
  timeZone,
  active,
  offers: appointmentTypeIds && new Set(appointmentTypeIds),
  open: items.map((hours) => ({ ...hours, start: toMillis(hours.start), end: toMillis(hours.end) })),
  closed: closed?.map(({ start, end }) => ({ start: toMillis(start), end: toMillis(end) })),
});

export function createParticipantClient(patients: AuthorizedClient, doctors: AuthorizedClient): ParticipantClient {
  const coalesceAvailability = createCoalescer<DoctorFacts[]>();

  async function fetchAvailability(id: string, range: Interval, context: RequestContext): Promise<DoctorFacts[]> {
    const path = `/api/v1/doctors/${id}/availability?${new URLSearchParams(toRfc3339Range(range))}`;
    const found = await get(doctors, path, context, readAvailability);
    return found ? [factsOf(found)] : [];
  }

  async function fetchAvailabilities(
    specialty: string,
    range: Interval,
    context: RequestContext,
  ): Promise<DoctorFacts[]> {
    const query = new URLSearchParams({ specialty, ...toRfc3339Range(range), limit: String(MAX_LIMIT) });
    const known: DoctorFacts[] = [];
    while (known.length < MAX_SEARCHED_DOCTORS) {
      const page = await get(doctors, `/api/v1/availability?${query}`, context, readAvailabilities);
      known.push(...(page?.items ?? []).map(factsOf));
      if (page?.nextCursor === undefined || page.items.length === 0) break;
      query.set('cursor', page.nextCursor);
    }
    return known.slice(0, MAX_SEARCHED_DOCTORS);
  }

  const keyOf = (kind: 'doctor' | 'specialty', name: string, { start, end }: Interval) =>
    [kind, name, start, end].join(' ');

  return {
    findPatient: (id, context) => get(patients, `/api/v1/patients/${id}/eligibility`, context, readPatient),

    // Coalesces requests, because many arrive simultaneously for a popular time or when a doctor's calendar opens.
    async findDoctor(id, range, context) {
      const [found] = await coalesceAvailability(keyOf('doctor', id, range), () =>
        fetchAvailability(id, range, context),
      );
      return found;
    },

    findDoctors: (specialty, range, context) =>
      coalesceAvailability(keyOf('specialty', specialty, range), () => fetchAvailabilities(specialty, range, context)),
  };
}
