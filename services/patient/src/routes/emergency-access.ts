import { EmergencyAccess, Id, NewEmergencyAccess, Nothing } from '@daybook/contracts';
import type { Database } from '@daybook/database';
import { type App, replyIdempotently } from '@daybook/service';
import { Type } from 'typebox';
import type { EmergencyAccessStore } from '../store/emergency-access.ts';
import type { PatientTables } from '../store/tables.ts';

const Params = Type.Object({ id: Id() });

/** Returns the address of the patient, because the access itself has none. */
const granted = {
  status: 201,
  patientsOf: ({ patientId }: EmergencyAccess) => [patientId],
  headers: ({ patientId }: EmergencyAccess) => ({ location: `/api/v1/patients/${patientId}` }),
};

export function addEmergencyAccessRoute(
  app: App,
  store: EmergencyAccessStore,
  database: Database<PatientTables>,
): void {
  app.post(
    '/api/v1/patients/:id/emergency-access',
    {
      schema: {
        tags: ['Patients'],
        operationId: 'emergencyAccess',
        description:
          'Lets a doctor read any patient for 60 minutes. The reason is stored for the audit. `Location` is the patient.',
        querystring: Nothing,
        params: Params,
        body: NewEmergencyAccess,
        response: { 201: EmergencyAccess },
      },
      config: { problems: ['patient-erased'] },
    },
    async (request, reply) => {
      const { caller, params, body } = request;
      await replyIdempotently(request, reply, database, granted, (write) =>
        store.grant(caller, params.id, body, write),
      );
      return reply;
    },
  );
}
