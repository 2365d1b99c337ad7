/** Routes that act on an appointment after it was booked. */
import { Appointment, Cancellation, CLINIC_STAFF, Id, Nothing, Reschedule, STAFF, StepBack } from '@daybook/contracts';
import type { Database } from '@daybook/database';
import { type App, etagOf, rejectBody, replyIdempotently } from '@daybook/service';
import { Type } from 'typebox';
import { rescheduleAppointment } from '../domain/booking/book.ts';
import { STEPS, type Step } from '../domain/booking/lifecycle.ts';
import { stepBack } from '../domain/booking/step-back.ts';
import type { BookingDependencies } from '../domain/ports.ts';
import type { AppointmentTables } from '../store/tables.ts';
import { rolesToBook } from './booking-roles.ts';

const tags = ['Appointments'];
const Params = Type.Object({ id: Id() });
const response = { 200: Appointment };

const changed = {
  status: 200,
  headers: (appointment: Appointment) => ({ etag: etagOf(appointment.version) }),
};

const OPERATION_IDS: Record<Step, string> = {
  arrive: 'markArrived',
  'check-in': 'checkIn',
  fulfil: 'markFulfilled',
  'no-show': 'markNoShow',
};

export function addAppointmentActionRoutes(
  app: App,
  dependencies: BookingDependencies,
  database: Database<AppointmentTables>,
): void {
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
      config: { versioned: true, roles: STAFF, problems: ['wrong-status', 'past-cancellation-deadline'] },
    },
    async (request, reply) => {
      await replyIdempotently(request, reply, database, changed, (write) =>
        dependencies.store.cancel(request.caller, request.params.id, request.body, write),
      );
      return reply;
    },
  );

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
        roles: rolesToBook,
        problems: [
          'forbidden',
          'slot-taken',
          'patient-busy',
          'hold-expired',
          'wrong-status',
          'changed-meanwhile',
          'outside-availability',
          'too-soon',
          'too-far-ahead',
          'not-on-grid',
          'doctor-inactive',
          'doctor-not-found',
          'patient-inactive',
          'patient-not-found',
          'appointment-type-inactive',
          'appointment-type-not-found',
          'appointment-type-not-offered',
        ],
      },
    },
    async (request, reply) => {
      await replyIdempotently(request, reply, database, changed, (write) =>
        rescheduleAppointment(dependencies, request.caller, request.params.id, request.body, write),
      );
      return reply;
    },
  );

  app.post(
    '/api/v1/appointments/:id/step-back',
    {
      schema: { tags, operationId: 'stepBack', querystring: Nothing, params: Params, body: StepBack, response },
      config: {
        versioned: true,
        roles: CLINIC_STAFF,
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
      await replyIdempotently(request, reply, database, changed, (write) =>
        stepBack(dependencies, request.caller, request.params.id, request.body, write),
      );
      return reply;
    },
  );

  for (const step of Object.keys(STEPS) as Step[]) {
    app.post(
      `/api/v1/appointments/:id/${step}`,
      {
        schema: { tags, operationId: OPERATION_IDS[step], querystring: Nothing, params: Params, response },
        config: { versioned: true, roles: STAFF, problems: ['wrong-status', 'not-the-day'] },
        preValidation: rejectBody,
      },
      async (request, reply) => {
        await replyIdempotently(request, reply, database, changed, (write) =>
          dependencies.store.takeStep(request.caller, request.params.id, step, write),
        );
        return reply;
      },
    );
  }
}
