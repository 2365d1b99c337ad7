import { Closure, ClosurePage, ClosureQuery, Id, NewClosure, Nothing } from '@daybook/contracts';
import type { Database } from '@daybook/database';
import { type App, replyIdempotently, sendPage, writeContextOf } from '@daybook/service';
import { Type } from 'typebox';
import type { ClosureStore } from '../store/closures.ts';
import type { DoctorTables } from '../store/tables.ts';

const tags = ['Clinic'];
const PATH = '/api/v1/clinic/closures';
const Params = Type.Object({ id: Id() });

const added = { status: 201, headers: ({ id }: Closure) => ({ location: `${PATH}/${id}` }) };

export function addClosureRoutes(app: App, store: ClosureStore, database: Database<DoctorTables>): void {
  app.get(
    PATH,
    { schema: { tags, operationId: 'listClosures', querystring: ClosureQuery, response: { 200: ClosurePage } } },
    async (request, reply) => {
      sendPage(request, reply, await store.list(request.caller, request.query));
      return reply;
    },
  );

  app.post(
    PATH,
    {
      schema: { tags, operationId: 'addClosure', querystring: Nothing, body: NewClosure, response: { 201: Closure } },
      config: { problems: ['invalid-interval', 'range-too-long', 'too-many-closures'] },
    },
    async (request, reply) => {
      const { caller, body } = request;
      await replyIdempotently(request, reply, database, added, (write) => store.add(caller, body, write));
      return reply;
    },
  );

  app.delete(
    `${PATH}/:id`,
    {
      schema: {
        tags,
        operationId: 'removeClosure',
        querystring: Nothing,
        params: Params,
        response: { 204: Type.Null({ description: 'The days are open again' }) },
      },
      config: { problems: ['precondition-failed'] },
    },
    async (request, reply) => {
      await store.remove(request.caller, request.params.id, writeContextOf(request));
      return reply.code(204).send(null);
    },
  );
}
