/** What staff may do beyond the rules of booking. */
import { type Caller, CLINIC_STAFF, type Overbooking, permit } from '@daybook/contracts';

/** Lets staff alone take the running five minutes. @throws Refusal `forbidden` */
export function permitWalkIn(caller: Caller, walkIn: boolean | undefined): void {
  if (walkIn) permit(caller, CLINIC_STAFF);
}

/** Lets staff alone book beside what a doctor has then already. @throws Refusal `forbidden` */
export function permitOverbooking(caller: Caller, overbooking: Overbooking | undefined): void {
  if (overbooking) permit(caller, CLINIC_STAFF);
}
