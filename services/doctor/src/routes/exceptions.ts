import {
  Id,
  NewScheduleException,
  Nothing,
  notFound,
  ScheduleException,
  ScheduleExceptionPage,
  ScheduleExceptionQuery,
} from '@daybook/contracts';
import type { Database } from '@daybook/database';
import { type App, replyIdempotently, sendPage, writeContextOf } from '@daybook/service';
import { Type } from 'typebox';
import type { ExceptionStore } from '../store/exceptions.ts';
import { assertOwnDoctor } from '../store/ownership.ts';
import type { DoctorTables } from '../store/tables.ts';

const tags = ['Doctors'];
const DoctorParams = Type.Object({ id: Id() });
const ExceptionParams = Type.Object({ id: Id(), exceptionId: Id() });

const added = {
  status: 201,
  headers: ({ id, doctorId }: ScheduleException) => ({ location: `/api/v1/doctors/${doctorId}/exceptions/${id}` }),
};

/** Adds the routes of exceptions. `If-Match` names the doctor's version, which every change of an exception raises. */
export function addExceptionRoutes(app: App, store: ExceptionStore, database: Database<DoctorTables>): void {
  addWrites(app, store, database);
  addList(app, store);
}

function addWrites(app: App, store: ExceptionStore, database: Database<DoctorTables>): void {
  app.post(
    '/api/v1/doctors/:id/exceptions',
    {
      schema: {
        tags,
        operationId: 'addScheduleException',
        querystring: Nothing,
        params: DoctorParams,
        body: NewScheduleException,
        response: { 201: ScheduleException },
      },
      config: { problems: ['invalid-interval', 'range-too-long', 'too-many-exceptions'] },
    },
    async (request, reply) => {
      const { caller, params, body } = request;
      assertOwnDoctor(caller, params.id);
      await replyIdempotently(request, reply, database, added, (write) => store.add(caller, params.id, body, write));
      return reply;
    },
  );

  app.delete(
    '/api/v1/doctors/:id/exceptions/:exceptionId',
    {
      schema: {
        tags,
        operationId: 'removeScheduleException',
        querystring: Nothing,
        params: ExceptionParams,
        response: { 204: Type.Null({ description: 'It is removed' }) },
      },
      config: { problems: ['precondition-failed'] },
    },
    async (request, reply) => {
      const { caller, params } = request;
      await store.remove(caller, params.id, params.exceptionId, writeContextOf(request));
      return reply.code(204).send(null);
    },
  );
}

function addList(app: App, store: ExceptionStore): void {
  app.get(
    '/api/v1/doctors/:id/exceptions',
    {
      schema: {
        tags,
        operationId: 'listScheduleExceptions',
        params: DoctorParams,
        querystring: ScheduleExceptionQuery,
        response: { 200: ScheduleExceptionPage },
      },
    },
    async (request, reply) => {
      const page = await store.list(request.caller, request.params.id, request.query);
      if (!page) throw notFound('doctor');
      sendPage(request, reply, page);
      return reply;
    },
  );
}
