import { Doctor, DoctorPage, DoctorPatch, DoctorQuery, Id, NewDoctor, Nothing, notFound } from '@daybook/contracts';
import type { Database } from '@daybook/database';
import {
  type App,
  createdResponse,
  replyIdempotently,
  sendPage,
  sendTagged,
  sendVersioned,
  writeContextOf,
} from '@daybook/service';
import { Type } from 'typebox';
import type { DoctorStore } from '../store/doctors.ts';
import { seesPublicPart } from '../store/ownership.ts';
import type { DoctorTables } from '../store/tables.ts';

const tags = ['Doctors'];
const Params = Type.Object({ id: Id() });

const registered = createdResponse<Doctor>('/api/v1/doctors');

export function addDoctorRoutes(app: App, store: DoctorStore, database: Database<DoctorTables>): void {
  addWrites(app, store, database);
  addReads(app, store);
}

function addWrites(app: App, store: DoctorStore, database: Database<DoctorTables>): void {
  app.post(
    '/api/v1/doctors',
    {
      schema: { tags, operationId: 'registerDoctor', querystring: Nothing, body: NewDoctor, response: { 201: Doctor } },
      config: { versioned: true },
    },
    async (request, reply) => {
      await replyIdempotently(request, reply, database, registered, (write) =>
        store.register(request.caller, request.body, write),
      );
      return reply;
    },
  );

  app.patch(
    '/api/v1/doctors/:id',
    {
      schema: {
        tags,
        operationId: 'changeDoctor',
        querystring: Nothing,
        params: Params,
        body: DoctorPatch,
        response: { 200: Doctor },
      },
      config: { versioned: true },
    },
    async (request, reply) => {
      const { caller, params, body } = request;
      const doctor = await store.change(caller, params.id, body, writeContextOf(request));
      sendVersioned(request, reply, doctor);
      return reply;
    },
  );
}

function addReads(app: App, store: DoctorStore): void {
  app.get(
    '/api/v1/doctors/:id',
    {
      schema: { tags, operationId: 'getDoctor', querystring: Nothing, params: Params, response: { 200: Doctor } },
      config: { versioned: true },
    },
    async (request, reply) => {
      const { caller, params } = request;
      const doctor = await store.find(caller, params.id);
      if (!doctor) throw notFound('doctor');
      sendTagged(request, reply, doctor, doctor.version, seesPublicPart(caller) ? 'public' : undefined);
      return reply;
    },
  );

  app.get(
    '/api/v1/doctors',
    { schema: { tags, operationId: 'findDoctors', querystring: DoctorQuery, response: { 200: DoctorPage } } },
    async (request, reply) => {
      sendPage(request, reply, await store.search(request.caller, request.query));
      return reply;
    },
  );
}
