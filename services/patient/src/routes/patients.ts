import {
  Id,
  NewPatient,
  Nothing,
  notFound,
  Patient,
  PatientPage,
  PatientPatch,
  PatientQuery,
  PatientSearch,
} from '@daybook/contracts';
import type { Database } from '@daybook/database';
import {
  type App,
  createdResponse,
  replyIdempotently,
  sendPage,
  sendVersioned,
  showPatients,
  writeContextOf,
} from '@daybook/service';
import { Type } from 'typebox';
import type { PatientStore } from '../store/patients.ts';
import type { PatientTables } from '../store/tables.ts';

const tags = ['Patients'];
const Params = Type.Object({ id: Id() });

const patientsOf = ({ id }: Patient) => [id];
const registered = createdResponse<Patient>('/api/v1/patients', patientsOf);

export function addPatientRoutes(app: App, store: PatientStore, database: Database<PatientTables>): void {
  addWrites(app, store, database);
  addReads(app, store);
}

function addWrites(app: App, store: PatientStore, database: Database<PatientTables>): void {
  app.post(
    '/api/v1/patients',
    {
      schema: {
        tags,
        operationId: 'registerPatient',
        querystring: Nothing,
        body: NewPatient,
        response: { 201: Patient },
      },
      config: { versioned: true, problems: ['identifier-taken', 'possible-duplicate', 'patient-erased'] },
    },
    async (request, reply) => {
      await replyIdempotently(request, reply, database, registered, (write) =>
        store.register(request.caller, request.body, write),
      );
      return reply;
    },
  );

  app.patch(
    '/api/v1/patients/:id',
    {
      schema: {
        tags,
        operationId: 'changePatient',
        querystring: Nothing,
        params: Params,
        body: PatientPatch,
        response: { 200: Patient },
      },
      config: { versioned: true, problems: ['identifier-taken', 'patient-replaced', 'patient-erased'] },
    },
    async (request, reply) => {
      const { caller, params, body } = request;
      const patient = await store.change(caller, params.id, body, writeContextOf(request, { patientsOf }));
      sendVersioned(request, reply, patient);
      return reply;
    },
  );
}

function addReads(app: App, store: PatientStore): void {
  app.get(
    '/api/v1/patients/:id',
    {
      schema: { tags, operationId: 'getPatient', querystring: Nothing, params: Params, response: { 200: Patient } },
      config: { versioned: true },
    },
    async (request, reply) => {
      const patient = await store.find(request.caller, request.params.id);
      if (!patient) throw notFound('patient');
      // The record that was requested may be merged into the one that is shown.
      showPatients(request, [patient.id, patient.replacedBy]);
      sendVersioned(request, reply, patient);
      return reply;
    },
  );

  app.get(
    '/api/v1/patients',
    { schema: { tags, operationId: 'findPatients', querystring: PatientQuery, response: { 200: PatientPage } } },
    async (request, reply) => {
      const page = await store.search(request.caller, request.query);
      showPatients(request, page.items.flatMap(patientsOf));
      sendPage(request, reply, page);
      return reply;
    },
  );

  app.post(
    '/api/v1/patients/search',
    {
      schema: {
        tags,
        operationId: 'searchPatients',
        querystring: Nothing,
        body: PatientSearch,
        response: { 200: PatientPage },
      },
    },
    async (request, reply) => {
      const page = await store.search(request.caller, request.body);
      showPatients(request, page.items.flatMap(patientsOf));
      sendPage(request, reply, page);
      return reply;
    },
  );
}
