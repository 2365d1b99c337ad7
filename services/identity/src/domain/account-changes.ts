/** Which changes of an account an administrator may make, as a pure function. */
import { type AccountRole, type AccountStatus, Refusal } from '@daybook/contracts';

/** What counts for the decision. */
export interface AccountState {
  readonly role: AccountRole;
  readonly status: AccountStatus;
  readonly doctor_id: Uint8Array | null;
}

export interface ChangeFacts {
  /** Whether the account is that of the caller. */
  readonly isOwn: boolean;
  /** Whether the role comes from a foreign issuer. */
  readonly isForeign: boolean;
  /** The number of other active administrators. Only needed where the role or the status changes. */
  readonly otherAdministrators: number;
}

const isActiveAdministrator = ({ role, status }: AccountState): boolean =>
  role === 'administrator' && status === 'active';

/** Returns the refusal of a change, if it may not be made. */
export function changeFaultOf(
  before: AccountState,
  after: AccountState,
  { isOwn, isForeign, otherAdministrators }: ChangeFacts,
): Refusal | undefined {
  if (after.doctor_id !== null && after.role !== 'doctor') {
    const errors = [{ pointer: '/doctorId', message: 'is for the role doctor only' }];
    return new Refusal('invalid-request', 'Only an account of a doctor belongs to a doctor.', { errors });
  }
  if (isForeign && after.role !== before.role) {
    return new Refusal('forbidden', 'The foreign issuer gives the role of this account. Change it there.');
  }
  if (before.status === 'invited' && after.status === 'active') {
    return new Refusal('wrong-status', 'The person activates an invited account by setting credentials.');
  }
  if (isActiveAdministrator(before) && !isActiveAdministrator(after) && otherAdministrators === 0) {
    return new Refusal('last-administrator', 'Make another account an administrator first.');
  }
  if (isOwn && (after.role !== before.role || after.status !== before.status)) {
    return new Refusal('forbidden', 'Another administrator changes your role and status.');
  }
  return undefined;
}
