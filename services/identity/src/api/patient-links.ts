/** Which patients an account acts for. */
import {
  AccountRef,
  Id,
  instantText,
  LinkCode,
  LinkCodeUse,
  NewLinkCode,
  Nothing,
  PatientLink,
  PatientLinkList,
  RecordAccessPage,
  RecordAccessQuery,
  Refusal,
} from '@daybook/contracts';
import { asSharedDatabase } from '@daybook/database';
import { type ResponseShape, replyIdempotently, sendPage, showPatients } from '@daybook/service';
import { Type } from 'typebox';
import { type ApiContext, accountIn, ownOf, personOf, requireRecentSignIn } from './api-context.ts';
import { checkContactProof } from './contact-proof.ts';
import { instantIn } from './link-end.ts';
import { toLinkResource } from './me.ts';

const tags = ['Accounts'];
const Params = Type.Object({ id: AccountRef() });

const codeCreated: ResponseShape<LinkCode> = { status: 201, headers: () => ({}) };

export function addPatientLinks(context: ApiContext): void {
  addReads(context);
  addCodes(context);
  addRedemption(context);
  addRevocation(context);
}

function addReads(context: ApiContext): void {
  const { app, accounts, recordAccess } = context;
  app.get(
    '/api/v1/accounts/:id/patients',
    {
      schema: {
        tags,
        operationId: 'listPatientLinks',
        querystring: Nothing,
        params: Params,
        response: { 200: PatientLinkList },
      },
    },
    async (request) => {
      const person = await personOf(context, request);
      const id = await accountIn(context, person, request.params.id);
      const links = await accounts.patientsOf(id);
      showPatients(request, id === person.account.id ? [] : links.map(({ patientId }) => patientId));
      return { items: links.map(toLinkResource) };
    },
  );

  app.get(
    '/api/v1/accounts/access',
    {
      schema: {
        tags,
        operationId: 'listRecordAccess',
        querystring: RecordAccessQuery,
        response: { 200: RecordAccessPage },
      },
    },
    async (request, reply) => {
      const person = await personOf(context, request);
      const page = await recordAccess.list(request.query, ownOf(person));
      showPatients(request, [request.query.patientId]);
      sendPage(request, reply, page);
      return reply;
    },
  );
}

/** Adds the operation that makes a code. Staff do not know the account, so a code is for the person who has it. */
function addCodes(context: ApiContext): void {
  const { app, database, clock, linkCodes, audit } = context;
  app.post(
    '/api/v1/accounts/link-codes',
    {
      schema: {
        tags,
        operationId: 'grantPatientLink',
        querystring: Nothing,
        body: NewLinkCode,
        response: { 201: LinkCode },
      },
      config: { problems: ['recent-sign-in-required', 'invalid-interval', 'patient-not-found', 'contact-not-proven'] },
    },
    async (request, reply) => {
      const person = await personOf(context, request);
      requireRecentSignIn(context, person);
      const { patientId, relation, until, birthDate, identityCheck } = request.body;
      await checkContactProof(context, identityCheck, patientId);
      const { endsAt: linkEndsAt } = instantIn(until, clock);
      const code = { patientId, relation, birthDate, identityCheck, linkEndsAt, createdBy: person.account.id };
      await replyIdempotently(request, reply, asSharedDatabase(database), codeCreated, (write) =>
        database.write(async (tx) => {
          const made = await linkCodes.createIn(tx, code);
          const result: LinkCode = { patientId, relation, expiresAt: instantText(made.endsAt) };
          await audit.appendIn(tx, {
            action: 'link-code-made',
            actor: person.account,
            patientIds: [patientId],
            detail: identityCheck,
          });
          // A stored response must not open anything.
          await write.storeResponse(tx, result);
          return { ...result, code: made.code };
        }),
      );
      return reply;
    },
  );
}

function addRedemption(context: ApiContext): void {
  const { app, throttle, linkCodes, addressOf } = context;
  app.post(
    '/api/v1/accounts/:id/patients',
    {
      schema: {
        tags,
        operationId: 'redeemPatientLink',
        querystring: Nothing,
        params: Params,
        body: LinkCodeUse,
        response: { 201: PatientLink },
      },
      config: { problems: ['link-code-refused', 'too-many-requests'] },
    },
    async (request, reply) => {
      const person = await personOf(context, request);
      const id = await accountIn(context, person, request.params.id);
      // Only the person who has the code uses it, whatever the role reaches.
      if (id !== person.account.id) throw new Refusal('not-found', 'There is no such account.');
      const attempt = await throttle.beginLinking({ accountId: id, address: addressOf(request) });
      if ('retryAfterSeconds' in attempt) {
        throw new Refusal('too-many-requests', 'There were too many attempts. Wait before the next one.', attempt);
      }
      const link = await linkCodes.redeem(person.account, request.body);
      await attempt.succeed();
      return reply.code(201).send(toLinkResource(link));
    },
  );
}

function addRevocation(context: ApiContext): void {
  const { app, recordAccess } = context;
  app.delete(
    '/api/v1/accounts/:id/patients/:patientId',
    {
      schema: {
        tags,
        operationId: 'revokePatientLink',
        querystring: Nothing,
        params: Type.Object({ id: AccountRef(), patientId: Id() }),
        response: { 204: Type.Null({ description: 'The account no longer acts for the patient' }) },
      },
    },
    async (request, reply) => {
      const person = await personOf(context, request);
      const { id, patientId } = request.params;
      const accountId = id === 'me' ? person.account.id : id.toLowerCase();
      if (!(await recordAccess.revoke(accountId, patientId, ownOf(person), person.account))) {
        throw new Refusal('not-found', 'The account does not act for this patient.');
      }
      return reply.code(204).send(null);
    },
  );
}
