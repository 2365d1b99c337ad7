import { Hold, Id, NewHold, Nothing, Refusal } from '@daybook/contracts';
import type { Database } from '@daybook/database';
import { type App, etagOf, replyIdempotently, sendTagged, writeContextOf } from '@daybook/service';
import { Type } from 'typebox';
import { holdSlot } from '../domain/booking/book.ts';
import { SLOT_REFUSALS } from '../domain/booking/booking-request.ts';
import { permitParticipants, rolesToReserve } from '../domain/booking/permissions.ts';
import type { BookingDependencies, HoldStore } from '../domain/ports.ts';
import type { AppointmentTables } from '../store/tables.ts';

const tags = ['Slots'];
const Params = Type.Object({ id: Id() });

/** The version of every hold, because holds never change. */
const VERSION = 1;

const added = {
  status: 201,
  headers: ({ id }: Hold) => ({ location: `/api/v1/holds/${id}`, etag: etagOf(VERSION) }),
};

export function addHoldRoutes(
  app: App,
  dependencies: BookingDependencies,
  database: Database<AppointmentTables>,
): void {
  addHolding(app, dependencies, database);
  addReadAndRelease(app, dependencies.holds);
}

function addHolding(app: App, dependencies: BookingDependencies, database: Database<AppointmentTables>): void {
  app.post(
    '/api/v1/holds',
    {
      schema: { tags, operationId: 'holdSlot', querystring: Nothing, body: NewHold, response: { 201: Hold } },
      config: { versioned: true, roles: rolesToReserve, problems: ['forbidden', 'too-many-holds', ...SLOT_REFUSALS] },
    },
    async (request, reply) => {
      // Before a stored response is replayed.
      permitParticipants(request.caller, request.body);
      await replyIdempotently(request, reply, database, added, (write) =>
        holdSlot(dependencies, request.caller, request.body, write),
      );
      return reply;
    },
  );
}

function addReadAndRelease(app: App, holds: HoldStore): void {
  app.get(
    '/api/v1/holds/:id',
    {
      schema: { tags, operationId: 'getHold', querystring: Nothing, params: Params, response: { 200: Hold } },
      config: { versioned: true },
    },
    async (request, reply) => {
      const hold = await holds.find(request.caller, request.params.id);
      if (!hold) throw new Refusal('not-found', 'There is no hold with this id, or it has run out.');
      sendTagged(request, reply, hold, VERSION);
      return reply;
    },
  );

  app.delete(
    '/api/v1/holds/:id',
    {
      schema: {
        tags,
        operationId: 'releaseHold',
        querystring: Nothing,
        params: Params,
        response: { 204: Type.Null({ description: 'Its time is free' }) },
      },
      config: { problems: ['precondition-failed'] },
    },
    async (request, reply) => {
      await holds.remove(request.caller, request.params.id, writeContextOf(request));
      return reply.code(204).send(null);
    },
  );
}
