/** One-time links for people who lost their credentials, made by staff. */
import { Id, Invitation, Nothing, Refusal } from '@daybook/contracts';
import { asSharedDatabase } from '@daybook/database';
import { type ResponseShape, replyIdempotently } from '@daybook/service';
import { Type } from 'typebox';
import { type ApiContext, deliverIn, personOf, requireRecentSignIn } from './api-context.ts';

const created: ResponseShape<Invitation> = { status: 201, headers: () => ({}) };

export function addRecoveryLinks(context: ApiContext): void {
  const { app, database, accounts, audit } = context;
  app.post(
    '/api/v1/accounts/:id/recovery-links',
    {
      schema: {
        tags: ['Accounts'],
        operationId: 'addRecoveryLink',
        querystring: Nothing,
        params: Type.Object({ id: Id() }),
        response: { 201: Invitation },
      },
      config: { problems: ['recent-sign-in-required', 'wrong-status'] },
    },
    async (request, reply) => {
      const person = await personOf(context, request);
      requireRecentSignIn(context, person);
      const account = await accounts.find(request.params.id);
      const patientsOnly = person.access.conditions.includes('invites-patients-only');
      if (!account || (patientsOnly && account.role !== 'patient')) {
        throw new Refusal('not-found', 'There is no such account.');
      }
      if (account.id === person.account.id) throw new Refusal('forbidden', 'Another administrator helps you.');
      if (account.status === 'disabled') throw new Refusal('wrong-status', 'The account is disabled.');
      if (account.isForeign) throw new Refusal('wrong-status', 'The person signs in at the foreign issuer only.');
      const purpose = account.status === 'invited' ? 'invitation' : 'recovery';
      await replyIdempotently(request, reply, asSharedDatabase(database), created, (write) =>
        database.write(async (tx) => {
          await audit.appendIn(tx, { action: 'recovery-link-made', actor: person.account, accountId: account.id });
          const { stored, shown } = await deliverIn(context, tx, account, purpose);
          await write.storeResponse(tx, stored);
          return shown;
        }),
      );
      context.mail?.wake();
      return reply;
    },
  );
}
