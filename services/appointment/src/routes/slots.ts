import { SlotList, SlotQuery } from '@daybook/contracts';
import type { App } from '@daybook/service';
import type { BookingParts } from '../domain/booking.ts';
import { searchSlots } from '../domain/slot-search.ts';

export function addSlotRoutes(app: App, parts: BookingParts): void {
  app.get(
    '/api/v1/slots',
    {
      schema: { tags: ['Slots'], operationId: 'findSlots', querystring: SlotQuery, response: { 200: SlotList } },
      config: { problems: ['doctor-not-found', 'appointment-type-not-found', 'range-too-long'] },
    },
    async (request, reply) => {
      const { caller, query, trace } = request;
      const items = await searchSlots(parts, query, { caller, traceparent: trace.traceparent });
      return reply.send({ items });
    },
  );
}
