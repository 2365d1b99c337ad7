/**
 * Restricts statements to the records of their caller, by the rules of domain/ownership.ts.
 * Each statement about single appointments or holds of a request has a condition from here.
 */
import type { VerifiedCaller } from '@daybook/contracts';
import { idToBytes } from '@daybook/database';
import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely';
import { ownRecordsOf } from '../domain/ownership.ts';
import type { AppointmentTables } from './tables.ts';

/** Returns the condition that an appointment belongs to the caller. */
export function isOwn(
  caller: VerifiedCaller,
): (where: ExpressionBuilder<AppointmentTables, 'appointments'>) => Expression<SqlBool> {
  const own = ownRecordsOf(caller);
  return (where) => {
    if (own === 'all') return sql`1 = 1`;
    if ('doctorId' in own) return where('appointments.doctor_id', '=', idToBytes(own.doctorId));
    if (own.patientIds.length === 0) return sql`1 = 0`;
    return where('appointments.patient_id', 'in', own.patientIds.map(idToBytes));
  };
}

/** Returns the condition that a history entry is about an appointment of the caller. */
export function isOfOwn(
  caller: VerifiedCaller,
): (where: ExpressionBuilder<AppointmentTables, 'appointment_history'>) => Expression<SqlBool> {
  if (ownRecordsOf(caller) === 'all') return () => sql`1 = 1`;
  return (where) =>
    where.exists(
      where
        .selectFrom('appointments')
        .select('appointments.id')
        .whereRef('appointments.id', '=', 'appointment_history.appointment_id')
        .where(isOwn(caller)),
    );
}

/**
 * Returns the condition that a hold belongs to the caller that made it.
 * Front desk and administrators may read and release every hold.
 */
export function isOwnHold(
  caller: VerifiedCaller,
): (where: ExpressionBuilder<AppointmentTables, 'holds'>) => Expression<SqlBool> {
  return (where) => (ownRecordsOf(caller) === 'all' ? sql`1 = 1` : where('holds.caller_id', '=', caller.id));
}
