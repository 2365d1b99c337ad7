import { ExportedAppointmentPage, PatientPartQuery } from '@daybook/contracts';
import { type App, sendPage, showPatients } from '@daybook/service';
import type { ExportAppointments } from '../store/appointment-export.ts';

export function addAppointmentExport(app: App, exportAppointments: ExportAppointments): void {
  app.get(
    '/api/v1/appointments/export',
    {
      schema: {
        tags: ['Appointments'],
        operationId: 'exportAppointments',
        description:
          'The appointments of a patient with their histories: a part of the export of the patient’s data. ' +
          'Needs a sign-in of the last 10 minutes.',
        querystring: PatientPartQuery,
        response: { 200: ExportedAppointmentPage },
      },
      config: { problems: ['recent-sign-in-required'] },
    },
    async (request, reply) => {
      const page = await exportAppointments(request.caller, request.query);
      showPatients(request, [request.query.patientId]);
      sendPage(request, reply, page);
      return reply;
    },
  );
}
