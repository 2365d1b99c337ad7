/** Permissions of staff beyond the rules of booking. */
import { type Caller, CLINIC_STAFF, type Overbooking, permit } from '@daybook/contracts';

/**
 * Permits walk-ins to staff only.
 * @throws Refusal `forbidden`
 */
export function permitWalkIn(caller: Caller, walkIn: boolean | undefined): void {
  if (walkIn) permit(caller, CLINIC_STAFF);
}

/**
 * Permits overbooking to staff only.
 * @throws Refusal `forbidden`
 */
export function permitOverbooking(caller: Caller, overbooking: Overbooking | undefined): void {
  if (overbooking) permit(caller, CLINIC_STAFF);
}
