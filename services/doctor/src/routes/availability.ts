import {
  Availability,
  AvailabilityPage,
  AvailabilityQuery,
  AvailabilitySearchQuery,
  Id,
  notFound,
} from '@daybook/contracts';
import { type App, sendPage } from '@daybook/service';
import { Type } from 'typebox';
import { availabilityOver, rangeOf } from '../domain/availability.ts';
import type { AvailabilityStore } from '../store/availability.ts';

const tags = ['Doctors'];
const Params = Type.Object({ id: Id() });

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
