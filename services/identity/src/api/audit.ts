/** Searches the audit trail. */
import { AuditPage, AuditQuery } from '@daybook/contracts';
import { sendPage, showPatients } from '@daybook/service';
import { type ApiContext, ownOf, personOf } from './api-context.ts';

export function addAudit(context: ApiContext): void {
  const { app, audit } = context;
  app.get(
    '/api/v1/audit',
    {
      schema: { tags: ['Audit'], operationId: 'searchAudit', querystring: AuditQuery, response: { 200: AuditPage } },
    },
    async (request, reply) => {
      const person = await personOf(context, request);
      const page = await audit.search(request.query, ownOf(person));
      // A search for a patient reads about that patient. Any other one is about accounts.
      showPatients(request, [request.query.patientId]);
      sendPage(request, reply, page);
      return reply;
    },
  );
}
