import { Id, NewSchedule, Nothing, notFound, Refusal, Schedule, ScheduleQuery } from '@daybook/contracts';
import { type App, sendTagged, writeContextOf } from '@daybook/service';
import { Type } from 'typebox';
import { findOverlap } from '../domain/availability.ts';
import type { ScheduleStore } from '../store/schedules.ts';

const tags = ['Doctors'];
const Params = Type.Object({ id: Id() });

/**
 * Adds the routes of schedules.
 * The ETag names the version of all the doctor's hours and the period in the response.
 * `If-Match` compares the version only.
 */
export function addScheduleRoutes(app: App, store: ScheduleStore): void {
  app.get(
    '/api/v1/doctors/:id/schedule',
    {
      schema: {
        tags,
        operationId: 'getSchedule',
        querystring: ScheduleQuery,
        params: Params,
        response: { 200: Schedule },
      },
      config: { versioned: true },
    },
    async (request, reply) => {
      const found = await store.find(request.caller, request.params.id, request.query.on);
      if (!found) throw notFound('doctor');
      const { schedule, version } = found;
      sendTagged(request, reply, schedule, version, schedule.validFrom);
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
        body: NewSchedule,
        response: { 200: Schedule },
      },
      config: { versioned: true, problems: ['overlapping-hours', 'too-many-periods'] },
    },
    async (request, reply) => {
      const overlap = findOverlap(request.body.weeklyHours);
      if (overlap) {
        const detail = `The hours of ${overlap.day} from ${overlap.start} overlap others, or end before they start.`;
        throw new Refusal('overlapping-hours', detail);
      }
      const { caller, params, body } = request;
      const { schedule, version } = await store.replace(
        caller,
        params.id,
        body,
        writeContextOf(request, { hasViews: true }),
      );
      sendTagged(request, reply, schedule, version, schedule.validFrom);
      return reply;
    },
  );
}
