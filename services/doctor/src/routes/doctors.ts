import {
  Doctor,
  DoctorPage,
  DoctorPatch,
  DoctorQuery,
  Id,
  NewDoctor,
  Nothing,
  Refusal,
  STAFF,
} from '@daybook/contracts';
import type { Database } from '@daybook/database';
import { type App, etagOf, replyIdempotently, sendPage, sendVersioned, writeContextOf } from '@daybook/service';
import { Type } from 'typebox';
import type { DoctorStore } from '../store/doctors.ts';
import type { DoctorTables } from '../store/tables.ts';

const tags = ['Doctors'];
const Params = Type.Object({ id: Id() });

const registered = {
  status: 201,
  headers: (doctor: Doctor) => ({ location: `/api/v1/doctors/${doctor.id}`, etag: etagOf(doctor.version) }),
};

export function addDoctorRoutes(app: App, store: DoctorStore, database: Database<DoctorTables>): void {
  app.post(
    '/api/v1/doctors',
    {
      schema: { tags, operationId: 'registerDoctor', querystring: Nothing, body: NewDoctor, response: { 201: Doctor } },
      config: { versioned: true, roles: STAFF },
    },
    async (request, reply) => {
      await replyIdempotently(request, reply, database, registered, (write) =>
        store.register(request.caller, request.body, write),
      );
      return reply;
    },
  );

  app.get(
    '/api/v1/doctors/:id',
    {
      schema: { tags, operationId: 'getDoctor', querystring: Nothing, params: Params, response: { 200: Doctor } },
      config: { versioned: true },
    },
    async (request, reply) => {
      const doctor = await store.find(request.caller, request.params.id);
      if (!doctor) throw new Refusal('not-found', 'There is no doctor with this id.');
      sendVersioned(request, reply, doctor);
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
      const doctor = await store.change(request.caller, request.params.id, request.body, writeContextOf(request));
      sendVersioned(request, reply, doctor);
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
