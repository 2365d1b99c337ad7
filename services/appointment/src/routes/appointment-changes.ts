/** The route that changes an appointment without moving it. */
import { Appointment, AppointmentPatch, Id, Nothing } from '@daybook/contracts';
import { type App, sendVersioned, writeContextOf } from '@daybook/service';
import { Type } from 'typebox';
import { changeAppointment } from '../domain/booking/book.ts';
import type { BookingDependencies } from '../domain/ports.ts';

const Params = Type.Object({ id: Id() });

export function addAppointmentChangeRoutes(app: App, dependencies: BookingDependencies): void {
  app.patch(
    '/api/v1/appointments/:id',
    {
      schema: {
        tags: ['Appointments'],
        operationId: 'changeAppointment',
        querystring: Nothing,
        params: Params,
        body: AppointmentPatch,
        response: { 200: Appointment },
      },
      config: {
        versioned: true,
        problems: [
          'forbidden',
          'slot-taken',
          'patient-busy',
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
      const { caller, params, body } = request;
      sendVersioned(
        request,
        reply,
        await changeAppointment(dependencies, caller, params.id, body, writeContextOf(request)),
      );
      return reply;
    },
  );
}
