import {
  AppointmentType,
  AppointmentTypePage,
  AppointmentTypePatch,
  AppointmentTypeQuery,
  Id,
  NewAppointmentType,
  Nothing,
  notFound,
} from '@daybook/contracts';
import type { Database } from '@daybook/database';
import {
  type App,
  createdResponse,
  replyIdempotently,
  sendPage,
  sendVersioned,
  writeContextOf,
} from '@daybook/service';
import { Type } from 'typebox';
import type { AppointmentTypeStore } from '../store/appointment-types.ts';
import type { AppointmentTables } from '../store/tables.ts';

const tags = ['Appointment types'];
const Params = Type.Object({ id: Id() });

const added = createdResponse<AppointmentType>('/api/v1/appointment-types');

export function addAppointmentTypeRoutes(
  app: App,
  store: AppointmentTypeStore,
  database: Database<AppointmentTables>,
): void {
  addWrites(app, store, database);
  addReads(app, store);
}

function addWrites(app: App, store: AppointmentTypeStore, database: Database<AppointmentTables>): void {
  app.post(
    '/api/v1/appointment-types',
    {
      schema: {
        tags,
        operationId: 'addAppointmentType',
        querystring: Nothing,
        body: NewAppointmentType,
        response: { 201: AppointmentType },
      },
      config: { versioned: true, problems: ['name-taken'] },
    },
    async (request, reply) => {
      await replyIdempotently(request, reply, database, added, (write) =>
        store.add(request.caller, request.body, write),
      );
      return reply;
    },
  );

  app.patch(
    '/api/v1/appointment-types/:id',
    {
      schema: {
        tags,
        operationId: 'changeAppointmentType',
        querystring: Nothing,
        params: Params,
        body: AppointmentTypePatch,
        response: { 200: AppointmentType },
      },
      config: { versioned: true, problems: ['name-taken'] },
    },
    async (request, reply) => {
      const { caller, params, body } = request;
      const type = await store.change(caller, params.id, body, writeContextOf(request));
      sendVersioned(request, reply, type);
      return reply;
    },
  );
}

function addReads(app: App, store: AppointmentTypeStore): void {
  app.get(
    '/api/v1/appointment-types/:id',
    {
      schema: {
        tags,
        operationId: 'getAppointmentType',
        querystring: Nothing,
        params: Params,
        response: { 200: AppointmentType },
      },
      config: { versioned: true },
    },
    async (request, reply) => {
      const type = await store.find(request.caller, request.params.id);
      if (!type) throw notFound('appointment type');
      sendVersioned(request, reply, type);
      return reply;
    },
  );

  app.get(
    '/api/v1/appointment-types',
    {
      schema: {
        tags,
        operationId: 'listAppointmentTypes',
        querystring: AppointmentTypeQuery,
        response: { 200: AppointmentTypePage },
      },
    },
    async (request, reply) => {
      sendPage(request, reply, await store.list(request.caller, request.query));
      return reply;
    },
  );
}
