/** Decides which doctors a caller reaches. */
import { notFound, type Role, type VerifiedCaller } from '@daybook/contracts';
import { idToBytes } from '@daybook/database';
import { type RawBuilder, sql } from 'kysely';

/** The roles that change every doctor. The access table decides which changes. */
const CHANGES_ALL: readonly Role[] = ['front-desk', 'administrator'];

const NOBODY = sql<boolean>`1 = 0`;

/** Returns the conditions on rows of `doctors` that a caller changes: a doctor the own record only. */
export function ownDoctor({ role, doctorId }: VerifiedCaller): readonly RawBuilder<boolean>[] {
  if (CHANGES_ALL.includes(role)) return [];
  if (role !== 'doctor' || doctorId === undefined) return [NOBODY];
  return [sql<boolean>`doctors.id = ${idToBytes(doctorId)}`];
}

/**
 * Checks that a caller changes a doctor, before a stored response is replayed.
 * @throws Refusal `not-found`
 */
export function assertOwnDoctor({ role, doctorId }: VerifiedCaller, id: string): void {
  if (CHANGES_ALL.includes(role)) return;
  if (role !== 'doctor' || doctorId !== id.toLowerCase()) throw notFound('doctor');
}

/** Returns whether a caller sees active doctors only, and those without contacts. */
export const seesPublicPart = ({ role }: VerifiedCaller): boolean => role === 'patient';
