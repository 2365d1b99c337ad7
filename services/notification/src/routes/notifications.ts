import { MessageList, MessageQuery } from '@daybook/contracts';
import { type App, showPatients } from '@daybook/service';
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
}
