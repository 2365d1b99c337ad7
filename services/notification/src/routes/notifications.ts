import { ExportedMessagePage, MessageList, MessageQuery, PatientPartQuery } from '@daybook/contracts';
import { type App, sendPage, showPatients } from '@daybook/service';
import type { MessageStore } from '../store/messages.ts';

export function addNotificationRoutes(app: App, store: MessageStore): void {
  app.get(
    '/api/v1/notifications',
    {
      schema: {
        tags: ['Notifications'],
        operationId: 'listNotifications',
        querystring: MessageQuery,
        response: { 200: MessageList },
      },
    },
    async (request, reply) => {
      const { items, patientIds } = await store.list(request.caller, request.query.appointmentId);
      showPatients(request, patientIds);
      return reply.send({ items });
    },
  );

  app.get(
    '/api/v1/notifications/export',
    {
      schema: {
        tags: ['Notifications'],
        operationId: 'exportMessages',
        description:
          'The messages to a patient: a part of the export of the patient’s data. Needs a sign-in of the last 10 minutes.',
        querystring: PatientPartQuery,
        response: { 200: ExportedMessagePage },
      },
      config: { problems: ['recent-sign-in-required'] },
    },
    async (request, reply) => {
      const page = await store.export(request.caller, request.query);
      showPatients(request, [request.query.patientId]);
      sendPage(request, reply, page);
      return reply;
    },
  );
}
