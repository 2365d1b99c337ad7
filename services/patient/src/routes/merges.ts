/** Routes that merge two records of one person, undo a merge, and return the eligibility that services need. */
import { Id, Nothing, notFound, Patient, PatientEligibility, PatientMerge, PatientUnmerge } from '@daybook/contracts';
import type { Database } from '@daybook/database';
import { type App, changedResponse, replyIdempotently, sendVersioned } from '@daybook/service';
import { Type } from 'typebox';
import type { MergeStore } from '../store/merges.ts';
import type { PatientTables } from '../store/tables.ts';

const tags = ['Patients'];
const Params = Type.Object({ id: Id() });
/** Both records of a merge. */
const merged = changedResponse<Patient>(({ id, replacedBy }) => (replacedBy === undefined ? [id] : [id, replacedBy]));

export function addMergeRoutes(app: App, store: MergeStore, database: Database<PatientTables>): void {
  addMerges(app, store, database);
  addEligibility(app, store);
}

function addMerges(app: App, store: MergeStore, database: Database<PatientTables>): void {
  app.post(
    '/api/v1/patients/:id/merge',
    {
      schema: {
        tags,
        operationId: 'mergePatients',
        description:
          'Merges this record into another one of the same person. This id still resolves, with `replacedBy`; ' +
          'appointments and messages move within moments.',
        querystring: Nothing,
        params: Params,
        body: PatientMerge,
        response: { 200: Patient },
      },
      config: {
        versioned: true,
        problems: ['patient-not-found', 'same-patient', 'patient-replaced', 'patient-erased', 'too-many-merged'],
      },
    },
    async (request, reply) => {
      const { caller, params, body } = request;
      await replyIdempotently(request, reply, database, merged, (write) => store.merge(caller, params.id, body, write));
      return reply;
    },
  );

  app.post(
    '/api/v1/patients/:id/unmerge',
    {
      schema: {
        tags,
        operationId: 'unmergePatients',
        description:
          'Undoes a merge. What was moved by it returns; what was booked for the other record since stays there. ' +
          'For administrators.',
        querystring: Nothing,
        params: Params,
        body: PatientUnmerge,
        response: { 200: Patient },
      },
      config: { versioned: true, problems: ['not-merged', 'patient-erased'] },
    },
    async (request, reply) => {
      const { caller, params, body } = request;
      await replyIdempotently(request, reply, database, merged, (write) =>
        store.unmerge(caller, params.id, body, write),
      );
      return reply;
    },
  );
}

function addEligibility(app: App, store: MergeStore): void {
  app.get(
    '/api/v1/patients/:id/eligibility',
    {
      schema: {
        tags,
        operationId: 'getPatientEligibility',
        description: 'The facts that a service needs to book for a patient.',
        querystring: Nothing,
        params: Params,
        response: { 200: PatientEligibility },
      },
      config: { versioned: true },
    },
    async (request, reply) => {
      const eligibility = await store.eligibility(request.caller, request.params.id);
      if (!eligibility) throw notFound('patient');
      sendVersioned(request, reply, eligibility);
      return reply;
    },
  );
}
