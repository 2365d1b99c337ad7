/** Routes that export the data of a patient, and erase it. */
import { Id, Nothing, notFound, Patient, PatientErasure, PatientExport } from '@daybook/contracts';
import type { Database } from '@daybook/database';
import { type App, changedResponse, replyIdempotently, showPatients } from '@daybook/service';
import { Type } from 'typebox';
import type { ErasureStore } from '../store/erasures.ts';
import type { PatientExportStore } from '../store/patient-export.ts';
import type { PatientTables } from '../store/tables.ts';

const tags = ['Patients'];
const Params = Type.Object({ id: Id() });
const erased = changedResponse<Patient>(({ id }) => [id]);

export function addErasureRoutes(
  app: App,
  store: ErasureStore & PatientExportStore,
  database: Database<PatientTables>,
): void {
  app.get(
    '/api/v1/patients/:id/export',
    {
      schema: {
        tags,
        operationId: 'exportPatient',
        description:
          'Everything that is stored about a patient in this service, and the addresses of the parts in others. ' +
          'Needs a sign-in of the last 10 minutes.',
        querystring: Nothing,
        params: Params,
        response: { 200: PatientExport },
      },
      config: { problems: ['recent-sign-in-required'] },
    },
    async (request, reply) => {
      const exported = await store.export(request.caller, request.params.id);
      if (!exported) throw notFound('patient');
      const { patient, merged } = exported;
      showPatients(
        request,
        [patient, ...merged].map(({ id }) => id),
      );
      return reply.send(exported);
    },
  );

  app.post(
    '/api/v1/patients/:id/erasure',
    {
      schema: {
        tags,
        operationId: 'erasePatient',
        description:
          'Erases names, birth date, contacts, identifiers and texts of a patient in all services. The id, the times ' +
          'of visits and the audit stay. It cannot be undone. Needs a sign-in of the last 10 minutes.',
        querystring: Nothing,
        params: Params,
        body: PatientErasure,
        response: { 200: Patient },
      },
      config: { versioned: true, problems: ['recent-sign-in-required', 'patient-replaced', 'upcoming-appointments'] },
    },
    async (request, reply) => {
      const { caller, params, body } = request;
      await replyIdempotently(request, reply, database, erased, (write) => store.erase(caller, params.id, body, write));
      return reply;
    },
  );
}
