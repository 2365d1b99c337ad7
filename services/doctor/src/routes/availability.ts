import {
  Availability,
  AvailabilityPage,
  AvailabilityQuery,
  AvailabilitySearchQuery,
  Id,
  MAX_AVAILABILITY_DAYS,
  notFound,
  Refusal,
} from '@daybook/contracts';
import { type App, sendPage } from '@daybook/service';
import { Type } from 'typebox';
import { openIntervals } from '../domain/availability.ts';
import { createInstantFormatter } from '../domain/instant-formatter.ts';
import type { Interval } from '../domain/interval.ts';
import { zoneAt } from '../domain/periods.ts';
import { DAY } from '../domain/time.ts';
import { clocksOver } from '../domain/wall-clock.ts';
import type { AvailabilityStore, WorkingTime } from '../store/availability.ts';

const tags = ['Doctors'];
const Params = Type.Object({ id: Id() });
const MAX_MILLIS = MAX_AVAILABILITY_DAYS * DAY;

export function addAvailabilityRoutes(app: App, store: AvailabilityStore): void {
  app.get(
    '/api/v1/doctors/:id/availability',
    {
      schema: {
        tags,
        operationId: 'getAvailability',
        params: Params,
        querystring: AvailabilityQuery,
        response: { 200: Availability },
      },
      config: { problems: ['range-too-long'] },
    },
    async (request, reply) => {
      const range = rangeOf(request.query);
      const found = await store.find(request.caller, request.params.id, range);
      if (!found) throw notFound('doctor');
      return reply.send(availabilityOver(range)(found));
    },
  );

  app.get(
    '/api/v1/availability',
    {
      schema: {
        tags,
        operationId: 'findAvailability',
        querystring: AvailabilitySearchQuery,
        response: { 200: AvailabilityPage },
      },
      config: { problems: ['range-too-long'] },
    },
    async (request, reply) => {
      const range = rangeOf(request.query);
      const { items, ...more } = await store.search(request.caller, request.query, range);
      sendPage(request, reply, { items: items.map(availabilityOver(range)), ...more });
      return reply;
    },
  );
}

/**
 * Returns the range of a query.
 * @throws Refusal `range-too-long`
 */
function rangeOf(query: AvailabilityQuery): Interval {
  const start = Temporal.Instant.from(query.from).epochMilliseconds;
  const end = Temporal.Instant.from(query.to).epochMilliseconds;
  if (end - start > MAX_MILLIS) {
    throw new Refusal('range-too-long', `Ask for at most ${MAX_AVAILABILITY_DAYS} days at once.`);
  }
  return { start, end };
}

/** Returns a function that computes availability. Doctors share the clocks and dates, which are computed once. */
function availabilityOver(range: Interval): (found: WorkingTime) => Availability {
  const clocks = clocksOver(range);
  const format = createInstantFormatter();
  return ({ doctorId, version, timeZone: homeZone, active, appointmentTypeIds, periods, exceptions }) => {
    const timeZone = zoneAt(range.start, periods) ?? homeZone;
    const items = openIntervals(periods, exceptions, clocks).map(({ start, end }) => {
      const zoneThen = zoneAt(start, periods) ?? homeZone;
      return { start: format(start), end: format(end), ...(zoneThen !== timeZone && { timeZone: zoneThen }) };
    });
    return { doctorId, version, timeZone, active, ...(appointmentTypeIds && { appointmentTypeIds }), items };
  };
}
