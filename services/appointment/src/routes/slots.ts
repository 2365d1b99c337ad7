import { SlotExplanation, SlotExplanationQuery, SlotList, SlotQuery } from '@daybook/contracts';
import type { App } from '@daybook/service';
import { explainStart } from '../domain/explanation.ts';
import type { BookingParts } from '../domain/ports.ts';
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

  app.get(
    '/api/v1/slots/explanation',
    {
      schema: {
        tags: ['Slots'],
        operationId: 'explainSlot',
        querystring: SlotExplanationQuery,
        response: { 200: SlotExplanation },
      },
    },
    async (request, reply) => {
      const { caller, query, trace } = request;
      return reply.send(await explainStart(parts, query, { caller, traceparent: trace.traceparent }));
    },
  );
}
