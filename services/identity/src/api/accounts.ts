/** Accounts, for administrators. */
import { Account, AccountPage, AccountPatch, AccountQuery, Id, Nothing } from '@daybook/contracts';
import { sendPage, sendVersioned, writeContextOf } from '@daybook/service';
import { Type } from 'typebox';
import { type ApiContext, personOf } from './api-context.ts';

const tags = ['Accounts'];

export function addAccounts(context: ApiContext): void {
  const { app, directory } = context;

  app.get(
    '/api/v1/accounts',
    { schema: { tags, operationId: 'listAccounts', querystring: AccountQuery, response: { 200: AccountPage } } },
    async (request, reply) => {
      await personOf(context, request);
      sendPage(request, reply, await directory.search(request.query));
      return reply;
    },
  );

  app.patch(
    '/api/v1/accounts/:id',
    {
      schema: {
        tags,
        operationId: 'changeAccount',
        querystring: Nothing,
        params: Type.Object({ id: Id() }),
        body: AccountPatch,
        response: { 200: Account },
      },
      config: { versioned: true, problems: ['last-administrator', 'wrong-status', 'name-taken'] },
    },
    async (request, reply) => {
      const { account } = await personOf(context, request);
      const changed = await directory.change(account.id, request.params.id, request.body, writeContextOf(request));
      sendVersioned(request, reply, changed);
      return reply;
    },
  );
}
