/** Routes that act on an appointment after it was booked. */
import {
  Appointment,
  Cancellation,
  Id,
  Nothing,
  notFound,
  Reschedule,
  StepBack,
  type VerifiedCaller,
} from '@daybook/contracts';
import type { Database } from '@daybook/database';
import { type App, changedResponse, rejectBody, replyIdempotently } from '@daybook/service';
import { Type } from 'typebox';
import { rescheduleAppointment } from '../domain/booking/book.ts';
import { BOOKING_REFUSALS } from '../domain/booking/booking-request.ts';
import { STEPS, type Step } from '../domain/booking/lifecycle.ts';
import { rolesToReserve } from '../domain/booking/permissions.ts';
import { stepBack } from '../domain/booking/step-back.ts';
import { ownRecordsOf } from '../domain/ownership.ts';
import type { AppointmentStore, BookingDependencies } from '../domain/ports.ts';
import type { AppointmentTables } from '../store/tables.ts';

const tags = ['Appointments'];
const Params = Type.Object({ id: Id() });
const response = { 200: Appointment };

const changed = changedResponse<Appointment>(({ patientId }) => [patientId]);

export function addAppointmentActionRoutes(
  app: App,
  dependencies: BookingDependencies,
  database: Database<AppointmentTables>,
): void {
  addCancel(app, dependencies.store, database);
  addReschedule(app, dependencies, database);
  addStepBack(app, dependencies, database);
  for (const step of Object.keys(STEPS) as Step[]) addStep(app, dependencies.store, database, step);
}

/**
 * Checks, before a stored response is replayed, that the appointment is still the caller's.
 * Callers that reach all appointments need no such read.
 * @throws Refusal `not-found`
 */
async function requireOwn(store: AppointmentStore, caller: VerifiedCaller, id: string): Promise<void> {
  if (ownRecordsOf(caller) !== 'all' && !(await store.find(caller, id))) throw notFound('appointment');
}

function addCancel(app: App, store: AppointmentStore, database: Database<AppointmentTables>): void {
  app.post(
    '/api/v1/appointments/:id/cancel',
    {
      schema: {
        tags,
        operationId: 'cancelAppointment',
        querystring: Nothing,
        params: Params,
        body: Cancellation,
        response,
      },
      config: { versioned: true, problems: ['wrong-status', 'past-cancellation-deadline'] },
    },
    async (request, reply) => {
      await requireOwn(store, request.caller, request.params.id);
      await replyIdempotently(request, reply, database, changed, (write) =>
        store.cancel(request.caller, request.params.id, request.body, write),
      );
      return reply;
    },
  );
}

function addReschedule(app: App, dependencies: BookingDependencies, database: Database<AppointmentTables>): void {
  app.post(
    '/api/v1/appointments/:id/reschedule',
    {
      schema: {
        tags,
        operationId: 'rescheduleAppointment',
        querystring: Nothing,
        params: Params,
        body: Reschedule,
        response,
      },
      config: {
        versioned: true,
        roles: rolesToReserve,
        problems: [
          'forbidden',
          'hold-expired',
          'wrong-status',
          'changed-meanwhile',
          'past-cancellation-deadline',
          ...BOOKING_REFUSALS.filter((code) => code !== 'too-many-appointments'),
        ],
      },
    },
    async (request, reply) => {
      await requireOwn(dependencies.store, request.caller, request.params.id);
      await replyIdempotently(request, reply, database, changed, (write) =>
        rescheduleAppointment(dependencies, request.caller, request.params.id, request.body, write),
      );
      return reply;
    },
  );
}

function addStepBack(app: App, dependencies: BookingDependencies, database: Database<AppointmentTables>): void {
  app.post(
    '/api/v1/appointments/:id/step-back',
    {
      schema: { tags, operationId: 'stepBack', querystring: Nothing, params: Params, body: StepBack, response },
      config: {
        versioned: true,
        problems: [
          'forbidden',
          'wrong-status',
          'not-the-day',
          'changed-meanwhile',
          'slot-taken',
          'patient-busy',
          'doctor-not-found',
          'patient-not-found',
        ],
      },
    },
    async (request, reply) => {
      await requireOwn(dependencies.store, request.caller, request.params.id);
      await replyIdempotently(request, reply, database, changed, (write) =>
        stepBack(dependencies, request.caller, request.params.id, request.body, write),
      );
      return reply;
    },
  );
}

const OPERATION_IDS: Record<Step, string> = {
  arrive: 'markArrived',
  'check-in': 'checkIn',
  fulfil: 'markFulfilled',
  'no-show': 'markNoShow',
};

/** Adds one step of a visit, such as the arrival. */
function addStep(app: App, store: AppointmentStore, database: Database<AppointmentTables>, step: Step): void {
  app.post(
    `/api/v1/appointments/:id/${step}`,
    {
      schema: { tags, operationId: OPERATION_IDS[step], querystring: Nothing, params: Params, response },
      config: { versioned: true, problems: ['wrong-status', 'not-the-day'] },
      preValidation: rejectBody,
    },
    async (request, reply) => {
      await requireOwn(store, request.caller, request.params.id);
      await replyIdempotently(request, reply, database, changed, (write) =>
        store.takeStep(request.caller, request.params.id, step, write),
      );
      return reply;
    },
  );
}
