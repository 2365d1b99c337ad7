import {
  Availability,
  AvailabilityQuery,
  Id,
  MAX_AVAILABILITY_DAYS,
  Nothing,
  Refusal,
  Schedule,
} from '@daybook/contracts';
import { isoFromMillis } from '@daybook/database';
import { type App, sendTagged, writeOf } from '@daybook/service';
import { Type } from 'typebox';
import { findOverlap, openIntervals } from '../domain/availability.ts';
import { DAY } from '../domain/time.ts';
import type { ExceptionStore } from '../store/exceptions.ts';
import type { ScheduleStore, StoredSchedule } from '../store/schedules.ts';

const tags = ['Doctors'];
const Params = Type.Object({ id: Id() });
const MAX_MILLIS = MAX_AVAILABILITY_DAYS * DAY;

const noSuchDoctor = () => new Refusal('not-found', 'There is no such doctor.');
const toResource = ({ timeZone, weeklyHours }: StoredSchedule): Schedule => ({ timeZone, weeklyHours });

export function addScheduleRoutes(app: App, store: ScheduleStore, exceptions: ExceptionStore): void {
  app.get(
    '/api/v1/doctors/:id/schedule',
    {
      schema: { tags, operationId: 'getSchedule', querystring: Nothing, params: Params, response: { 200: Schedule } },
      config: { versioned: true },
    },
    async (request, reply) => {
      const found = await store.find(request.caller, request.params.id);
      if (!found) throw noSuchDoctor();
      sendTagged(request, reply, toResource(found.schedule), found.schedule.version);
      return reply;
    },
  );

  app.put(
    '/api/v1/doctors/:id/schedule',
    {
      schema: {
        tags,
        operationId: 'replaceSchedule',
        querystring: Nothing,
        params: Params,
        body: Schedule,
        response: { 200: Schedule },
      },
      config: { versioned: true, problems: ['overlapping-hours'] },
    },
    async (request, reply) => {
      const overlap = findOverlap(request.body.weeklyHours);
      if (overlap) {
        const detail = `The hours of ${overlap.day} from ${overlap.start} overlap others, or end before they start.`;
        throw new Refusal('overlapping-hours', detail);
      }
      const { caller, params, body } = request;
      const schedule = await store.replace(caller, params.id, body, writeOf(request));
      sendTagged(request, reply, toResource(schedule), schedule.version);
      return reply;
    },
  );

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
      const found = await store.find(request.caller, request.params.id);
      if (!found) throw noSuchDoctor();
      const overlapping = await exceptions.overlapping(request.caller, request.params.id, range);
      const items = openIntervals(found.schedule, overlapping, range).map(({ start, end }) => ({
        start: isoFromMillis(start),
        end: isoFromMillis(end),
      }));
      return reply.send({
        doctorId: request.params.id,
        timeZone: found.schedule.timeZone,
        active: found.active,
        items,
      });
    },
  );
}

/** @throws Refusal `range-too-long`, or `invalid-request` when it ends before it starts */
function rangeOf(query: AvailabilityQuery): { start: number; end: number } {
  const start = Temporal.Instant.from(query.from).epochMilliseconds;
  const end = Temporal.Instant.from(query.to).epochMilliseconds;
  if (end < start) {
    throw new Refusal('invalid-request', 'The range ends before it starts.', {
      errors: [{ pointer: '/to', message: 'must not be before from' }],
    });
  }
  if (end - start > MAX_MILLIS) {
    throw new Refusal('range-too-long', `Ask for at most ${MAX_AVAILABILITY_DAYS} days at once.`);
  }
  return { start, end };
}
