import {
  DEFAULT_LIMIT,
  type Slot,
  SlotExplanation,
  SlotExplanationQuery,
  SlotPage,
  SlotQuery,
} from '@daybook/contracts';
import { type App, type CursorKey, decodeCursor, pageOf, sendPage, showPatients } from '@daybook/service';
import { type BookingDependencies, requestContextOf } from '../domain/ports.ts';
import { explainStart } from '../domain/slots/explanation.ts';
import { searchSlots } from '../domain/slots/search.ts';
import { positionOf, type SlotPosition } from '../domain/slots/slots.ts';

function keyOf(slot: Slot): CursorKey {
  const { start, doctorId } = positionOf(slot);
  return [start, doctorId];
}

function readPosition(cursor: string): SlotPosition {
  const [start, doctorId] = decodeCursor(cursor, ['number', 'id']);
  return { start, doctorId };
}

export function addSlotRoutes(app: App, dependencies: BookingDependencies): void {
  app.get(
    '/api/v1/slots',
    {
      schema: { tags: ['Slots'], operationId: 'findSlots', querystring: SlotQuery, response: { 200: SlotPage } },
      config: { problems: ['forbidden', 'doctor-not-found', 'appointment-type-not-found', 'range-too-long'] },
    },
    async (request, reply) => {
      const { caller, query, trace } = request;
      const { limit = DEFAULT_LIMIT, cursor } = query;
      const after = cursor === undefined ? undefined : readPosition(cursor);
      const slots = await searchSlots(dependencies, query, requestContextOf(caller, trace), after);
      sendPage(
        request,
        reply,
        pageOf(slots, limit, keyOf, (slot) => slot),
      );
      return reply;
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
      config: { problems: ['forbidden'] },
    },
    async (request, reply) => {
      const { caller, query, trace } = request;
      const explanation = await explainStart(dependencies, query, requestContextOf(caller, trace));
      // The reasons may tell that the patient is busy.
      showPatients(request, [query.patientId]);
      return reply.send(explanation);
    },
  );
}
