/** Routes about the contacts of a patient, for identity. */
import { ContactProof, FormerContact, Id, Nothing, notFound } from '@daybook/contracts';
import type { App } from '@daybook/service';
import { Type } from 'typebox';
import type { ContactStore } from '../store/contact-changes.ts';

const tags = ['Patients'];

export function addContactRoutes(app: App, store: ContactStore): void {
  app.get(
    '/api/v1/patients/:id/contact-proof',
    {
      schema: {
        tags,
        operationId: 'getContactProof',
        description: 'Whether a contact of the record proves that a person is the patient. Names no contact.',
        querystring: Nothing,
        params: Type.Object({ id: Id() }),
        response: { 200: ContactProof },
      },
    },
    async (request, reply) => {
      const proof = await store.proof(request.caller, request.params.id);
      if (!proof) throw notFound('patient');
      return reply.send(proof);
    },
  );

  app.get(
    '/api/v1/patients/:id/contact-changes/:changeId',
    {
      schema: {
        tags,
        operationId: 'getFormerContact',
        description: 'The e-mail address before a change of the last 7 days, which is told of the change.',
        querystring: Nothing,
        params: Type.Object({ id: Id(), changeId: Id() }),
        response: { 200: FormerContact },
      },
    },
    async (request, reply) => {
      const { id, changeId } = request.params;
      const contact = await store.former(request.caller, id, changeId);
      if (!contact) throw notFound('change');
      return reply.send(contact);
    },
  );
}
