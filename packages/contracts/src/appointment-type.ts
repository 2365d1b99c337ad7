import { type Static, type TSchema, Type } from 'typebox';
import { mergePatchOf } from './merge-patch.ts';
import { Page, paging } from './paging.ts';
import { Id, stored, VisibleText } from './scalars.ts';
import { GRID_MINUTES } from './slot.ts';

const gridMinutes = (minimum: number, maximum: number, description: string) =>
  Type.Integer({ minimum, maximum, multipleOf: GRID_MINUTES, description });

/** The longest visit. A visit in progress at an instant began at most this long before. */
export const MAX_DURATION_MINUTES = 1440;

const rules = {
  durationMinutes: gridMinutes(GRID_MINUTES, MAX_DURATION_MINUTES, 'Length of the visit'),
  bufferBeforeMinutes: gridMinutes(0, 240, "The doctor's time before the visit"),
  bufferAfterMinutes: gridMinutes(0, 240, "The doctor's time after the visit"),
  minimumNoticeMinutes: Type.Integer({
    minimum: 0,
    maximum: 525_600,
    description: 'How long before the start a booking has to be made',
  }),
  planningHorizonDays: Type.Integer({
    minimum: 1,
    maximum: 730,
    description: 'How far ahead a start can be booked, in days of 24 hours',
  }),
  cancellationDeadlineMinutes: Type.Integer({
    minimum: 0,
    maximum: 525_600,
    description: 'Until how long before the start patients can cancel',
  }),
  capacity: Type.Integer({ minimum: 1, maximum: 100, description: 'Patients at one time' }),
};

/** The defaults of a new appointment type. */
export const APPOINTMENT_TYPE_DEFAULTS = {
  bufferBeforeMinutes: 0,
  bufferAfterMinutes: 0,
  minimumNoticeMinutes: 0,
  planningHorizonDays: 180,
  cancellationDeadlineMinutes: 0,
  capacity: 1,
  active: true,
} as const;

const withDefault = <Schema extends TSchema>(schema: Schema, value: number | boolean) =>
  Type.Optional(Type.With(schema, { default: value }));

export const NewAppointmentType = Type.Object(
  {
    name: VisibleText(100),
    durationMinutes: rules.durationMinutes,
    bufferBeforeMinutes: withDefault(rules.bufferBeforeMinutes, APPOINTMENT_TYPE_DEFAULTS.bufferBeforeMinutes),
    bufferAfterMinutes: withDefault(rules.bufferAfterMinutes, APPOINTMENT_TYPE_DEFAULTS.bufferAfterMinutes),
    minimumNoticeMinutes: withDefault(rules.minimumNoticeMinutes, APPOINTMENT_TYPE_DEFAULTS.minimumNoticeMinutes),
    planningHorizonDays: withDefault(rules.planningHorizonDays, APPOINTMENT_TYPE_DEFAULTS.planningHorizonDays),
    cancellationDeadlineMinutes: withDefault(
      rules.cancellationDeadlineMinutes,
      APPOINTMENT_TYPE_DEFAULTS.cancellationDeadlineMinutes,
    ),
    capacity: withDefault(rules.capacity, APPOINTMENT_TYPE_DEFAULTS.capacity),
    active: withDefault(Type.Boolean(), APPOINTMENT_TYPE_DEFAULTS.active),
  },
  { title: 'NewAppointmentType', additionalProperties: false },
);
export type NewAppointmentType = Static<typeof NewAppointmentType>;

const fields = { name: VisibleText(100), ...rules, active: Type.Boolean() };

export const AppointmentTypePatch = mergePatchOf(Type.Object(fields), 'AppointmentTypePatch');
export type AppointmentTypePatch = Static<typeof AppointmentTypePatch>;

/** FHIR's service type: the kind of visit and the rules for booking it. */
export const AppointmentType = Type.Object({ id: Id(), ...fields, ...stored }, { title: 'AppointmentType' });
export type AppointmentType = Static<typeof AppointmentType>;

export const AppointmentTypePage = Page(AppointmentType, 'AppointmentTypePage');
export const AppointmentTypeQuery = Type.Object({ ...paging }, { additionalProperties: false });
export type AppointmentTypeQuery = Static<typeof AppointmentTypeQuery>;
