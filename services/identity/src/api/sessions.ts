/** The sessions of an account. */
import { AccountRef, AccountSessionList, instantText, Nothing, Refusal } from '@daybook/contracts';
import { Type } from 'typebox';
import { type ApiContext, accountIn, personOf } from './api-context.ts';

const tags = ['Accounts'];

export function addAccountSessions(context: ApiContext): void {
  const { app, sessions, audit } = context;

  app.get(
    '/api/v1/accounts/:id/sessions',
    {
      schema: {
        tags,
        operationId: 'listSessions',
        querystring: Nothing,
        params: Type.Object({ id: AccountRef() }),
        response: { 200: AccountSessionList },
      },
    },
    async (request) => {
      const person = await personOf(context, request);
      const list = await sessions.list(await accountIn(context, person, request.params.id));
      const items = list.map(({ handle, device, methods, authenticatedAt, lastActiveAt, endsAt }) => ({
        handle,
        device,
        methods: [...methods],
        authenticatedAt: instantText(authenticatedAt),
        lastActiveAt: instantText(lastActiveAt),
        endsAt: instantText(endsAt),
        current: handle === person.session?.handle,
      }));
      return { items };
    },
  );

  app.delete(
    '/api/v1/accounts/:id/sessions/:handle',
    {
      schema: {
        tags,
        operationId: 'endSession',
        querystring: Nothing,
        params: Type.Object({ id: AccountRef(), handle: Type.String({ pattern: '^[0-9a-f]{64}$' }) }),
        response: { 204: Type.Null({ description: 'The session has ended' }) },
      },
    },
    async (request, reply) => {
      const person = await personOf(context, request);
      const id = await accountIn(context, person, request.params.id);
      if (!(await sessions.endByHandle(id, request.params.handle))) {
        throw new Refusal('not-found', 'There is no such session.');
      }
      await audit.append({ action: 'session-ended', actor: person.account, accountId: id });
      return reply.code(204).send(null);
    },
  );
}
