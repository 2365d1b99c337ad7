import {
  Appointment,
  AppointmentPage,
  AppointmentQuery,
  FirstFreeBooking,
  History,
  Id,
  NewAppointment,
  Nothing,
  Refusal,
  STAFF,
} from '@daybook/contracts';
import type { Database } from '@daybook/database';
import { type App, etagOf, replyIdempotently, sendPage, sendVersioned } from '@daybook/service';
import { Type } from 'typebox';
import { bookAppointment } from '../domain/booking/book.ts';
import { createFirstFree } from '../domain/booking/first-free.ts';
import type { BookingDependencies } from '../domain/ports.ts';
import type { AppointmentReads } from '../store/appointment-reads.ts';
import type { AppointmentTables } from '../store/tables.ts';
import { rolesToBook } from './booking-roles.ts';

const tags = ['Appointments'];
const Params = Type.Object({ id: Id() });

const booked = {
  status: 201,
  headers: (appointment: Appointment) => ({
    location: `/api/v1/appointments/${appointment.id}`,
    etag: etagOf(appointment.version),
  }),
};

const noSuchAppointment = () => new Refusal('not-found', 'There is no appointment with this id.');

export function addAppointmentRoutes(
  app: App,
  dependencies: BookingDependencies,
  reads: AppointmentReads,
  database: Database<AppointmentTables>,
): void {
  const bookFirstFree = createFirstFree(dependencies);

  app.post(
    '/api/v1/appointments',
    {
      schema: {
        tags,
        operationId: 'bookAppointment',
        querystring: Nothing,
        body: NewAppointment,
        response: { 201: Appointment },
      },
      config: {
        versioned: true,
        roles: rolesToBook,
        problems: [
          'forbidden',
          'slot-taken',
          'patient-busy',
          'hold-expired',
          'outside-availability',
          'too-soon',
          'too-far-ahead',
          'not-on-grid',
          'doctor-inactive',
          'patient-inactive',
          'appointment-type-inactive',
          'appointment-type-not-offered',
          'doctor-not-found',
          'patient-not-found',
          'appointment-type-not-found',
        ],
      },
    },
    async (request, reply) => {
      await replyIdempotently(request, reply, database, booked, (write) =>
        bookAppointment(dependencies, request.caller, request.body, write),
      );
      return reply;
    },
  );

  app.post(
    '/api/v1/appointments/first-free',
    {
      schema: {
        tags,
        operationId: 'bookFirstFree',
        querystring: Nothing,
        body: FirstFreeBooking,
        response: { 201: Appointment },
      },
      config: {
        versioned: true,
        roles: STAFF,
        problems: [
          'nothing-free',
          'patient-inactive',
          'patient-not-found',
          'appointment-type-inactive',
          'appointment-type-not-found',
          'range-too-long',
        ],
      },
    },
    async (request, reply) => {
      await replyIdempotently(request, reply, database, booked, (write) =>
        bookFirstFree(request.caller, request.body, write),
      );
      return reply;
    },
  );

  app.get(
    '/api/v1/appointments/:id',
    {
      schema: {
        tags,
        operationId: 'getAppointment',
        querystring: Nothing,
        params: Params,
        response: { 200: Appointment },
      },
      config: { versioned: true },
    },
    async (request, reply) => {
      const appointment = await dependencies.store.find(request.caller, request.params.id);
      if (!appointment) throw noSuchAppointment();
      sendVersioned(request, reply, appointment);
      return reply;
    },
  );

  app.get(
    '/api/v1/appointments',
    {
      schema: {
        tags,
        operationId: 'listAppointments',
        querystring: AppointmentQuery,
        response: { 200: AppointmentPage },
      },
    },
    async (request, reply) => {
      sendPage(request, reply, await reads.list(request.caller, request.query));
      return reply;
    },
  );

  app.get(
    '/api/v1/appointments/:id/history',
    {
      schema: {
        tags,
        operationId: 'getAppointmentHistory',
        querystring: Nothing,
        params: Params,
        response: { 200: History },
      },
    },
    async (request, reply) => {
      const items = await reads.history(request.caller, request.params.id);
      if (items.length === 0) throw noSuchAppointment();
      return reply.send({ items });
    },
  );
}
