/** Invitations: an account without credentials, and a one-time link for its person. */
import { Invitation, NewInvitation, Nothing, Refusal } from '@daybook/contracts';
import { asSharedDatabase } from '@daybook/database';
import { type ResponseShape, replyIdempotently } from '@daybook/service';
import type { PatientLink } from '../store/accounts.ts';
import { inviteIn } from '../store/invitations.ts';
import { type ApiContext, deliverIn, personOf, requireRecentSignIn } from './api-context.ts';
import { checkContactProof } from './contact-proof.ts';
import { instantIn } from './link-end.ts';

const created: ResponseShape<Invitation> = {
  status: 201,
  headers: ({ accountId }) => ({ location: `/api/v1/accounts/${accountId}` }),
};

const faultOf = ({ role, doctorId, patient }: NewInvitation): Refusal | undefined => {
  if (doctorId !== undefined && role !== 'doctor') {
    const errors = [{ pointer: '/doctorId', message: 'is for the role doctor only' }];
    return new Refusal('invalid-request', 'Only an account of a doctor belongs to a doctor.', { errors });
  }
  if (patient && role !== 'patient') {
    const errors = [{ pointer: '/patient', message: 'is for the role patient only' }];
    return new Refusal('invalid-request', 'Only an account of a patient is invited with a patient.', { errors });
  }
  return undefined;
};

export function addInvitations(context: ApiContext): void {
  const { app, database, clock, audit } = context;
  app.post(
    '/api/v1/accounts/invitations',
    {
      schema: {
        tags: ['Accounts'],
        operationId: 'addInvitation',
        querystring: Nothing,
        body: NewInvitation,
        response: { 201: Invitation },
      },
      config: { problems: ['name-taken', 'recent-sign-in-required', 'patient-not-found', 'contact-not-proven'] },
    },
    async (request, reply) => {
      const person = await personOf(context, request);
      const input = request.body;
      if (person.access.conditions.includes('invites-patients-only') && input.role !== 'patient') {
        throw new Refusal('forbidden', 'An administrator invites the staff of the clinic.');
      }
      const fault = faultOf(input);
      if (fault) throw fault;
      // A link to a record is as sensitive as a code for one.
      if (input.patient) {
        requireRecentSignIn(context, person);
        await checkContactProof(context, input.patient.identityCheck, input.patient.id);
      }
      const patient: PatientLink | undefined = input.patient && {
        patientId: input.patient.id,
        relation: input.patient.relation,
        ...instantIn(input.patient.until, clock),
      };
      await replyIdempotently(request, reply, asSharedDatabase(database), created, (write) =>
        database.write(async (tx) => {
          const locale = input.locale ?? person.account.locale;
          const account = await inviteIn(tx, database, { ...input, locale, patient }, clock);
          await audit.appendIn(tx, {
            action: 'account-invited',
            actor: person.account,
            accountId: account.id,
            patientIds: patient ? [patient.patientId] : [],
            detail: input.patient?.identityCheck,
          });
          const { stored, shown } = await deliverIn(context, tx, account, 'invitation');
          await write.storeResponse(tx, stored);
          return shown;
        }),
      );
      context.mail?.wake();
      return reply;
    },
  );
}
