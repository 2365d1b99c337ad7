/** Routes that book, read and change appointments. */
import {
  Appointment,
  AppointmentPage,
  AppointmentPatch,
  AppointmentQuery,
  FirstFreeBooking,
  History,
  Id,
  NewAppointment,
  Nothing,
  notFound,
} from '@daybook/contracts';
import type { Database } from '@daybook/database';
import {
  type App,
  createdResponse,
  replyIdempotently,
  sendPage,
  sendVersioned,
  showPatients,
  writeContextOf,
} from '@daybook/service';
import { Type } from 'typebox';
import { bookAppointment, changeAppointment } from '../domain/booking/book.ts';
import { BOOKING_REFUSALS } from '../domain/booking/booking-request.ts';
import { createFirstFree } from '../domain/booking/first-free.ts';
import { permitParticipants, rolesToReserve } from '../domain/booking/permissions.ts';
import type { BookingDependencies } from '../domain/ports.ts';
import type { ListAppointments } from '../store/appointment-list.ts';
import type { AppointmentTables } from '../store/tables.ts';

const tags = ['Appointments'];
const Params = Type.Object({ id: Id() });

const patientsOf = ({ patientId }: Appointment) => [patientId];
const booked = createdResponse<Appointment>('/api/v1/appointments', patientsOf);

export function addAppointmentRoutes(
  app: App,
  dependencies: BookingDependencies,
  list: ListAppointments,
  database: Database<AppointmentTables>,
): void {
  addBooking(app, dependencies, database);
  addFirstFreeBooking(app, dependencies, database);
  addReads(app, dependencies);
  addList(app, list);
  addChange(app, dependencies);
}

function addBooking(app: App, dependencies: BookingDependencies, database: Database<AppointmentTables>): void {
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
      config: { versioned: true, roles: rolesToReserve, problems: ['forbidden', 'hold-expired', ...BOOKING_REFUSALS] },
    },
    async (request, reply) => {
      // Before a stored response is replayed.
      permitParticipants(request.caller, request.body);
      await replyIdempotently(request, reply, database, booked, (write) =>
        bookAppointment(dependencies, request.caller, request.body, write),
      );
      return reply;
    },
  );
}

function addFirstFreeBooking(app: App, dependencies: BookingDependencies, database: Database<AppointmentTables>): void {
  const bookFirstFree = createFirstFree(dependencies);

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
        problems: [
          'nothing-free',
          'patient-inactive',
          'patient-not-found',
          'too-many-appointments',
          'appointment-type-inactive',
          'appointment-type-not-found',
          'range-too-long',
        ],
      },
    },
    async (request, reply) => {
      permitParticipants(request.caller, request.body);
      await replyIdempotently(request, reply, database, booked, (write) =>
        bookFirstFree(request.caller, request.body, write),
      );
      return reply;
    },
  );
}

function addReads(app: App, { store, history }: BookingDependencies): void {
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
      const appointment = await store.find(request.caller, request.params.id);
      if (!appointment) throw notFound('appointment');
      showPatients(request, patientsOf(appointment));
      sendVersioned(request, reply, appointment);
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
      const { items, patientIds } = await history.entries(request.caller, request.params.id);
      if (items.length === 0) throw notFound('appointment');
      showPatients(request, patientIds);
      return reply.send({ items });
    },
  );
}

function addList(app: App, list: ListAppointments): void {
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
      const page = await list(request.caller, request.query);
      showPatients(request, page.items.flatMap(patientsOf));
      sendPage(request, reply, page);
      return reply;
    },
  );
}

/** Adds the change of reason, note or type. Another type reserves its time as a booking does. */
function addChange(app: App, dependencies: BookingDependencies): void {
  app.patch(
    '/api/v1/appointments/:id',
    {
      schema: {
        tags,
        operationId: 'changeAppointment',
        querystring: Nothing,
        params: Params,
        body: AppointmentPatch,
        response: { 200: Appointment },
      },
      config: { versioned: true, problems: ['forbidden', 'wrong-status', 'changed-meanwhile', ...BOOKING_REFUSALS] },
    },
    async (request, reply) => {
      const { caller, params, body } = request;
      const write = writeContextOf(request, { patientsOf });
      const appointment = await changeAppointment(dependencies, caller, params.id, body, write);
      sendVersioned(request, reply, appointment);
      return reply;
    },
  );
}
