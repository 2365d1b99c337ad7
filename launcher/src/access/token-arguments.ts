/** Reads the arguments of `npm run token`. */
import type { LocalCaller } from '@daybook/identity-service/local-tokens';
import { EXIT, StartFailure } from '@daybook/service';

const ROLES = ['patient', 'doctor', 'front-desk', 'administrator'] as const;
const USAGE =
  'Usage: npm run -s token -- ROLE [ID], where ROLE is patient, doctor, front-desk or administrator, and ID is that of the patient or doctor.';
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** @throws StartFailure 64 */
export function readTokenArguments([name, id, ...others]: readonly string[]): LocalCaller {
  const role = ROLES.find((one) => one === name);
  const needsId = role === 'patient' || role === 'doctor';
  const isUsable = needsId ? id !== undefined && UUID.test(id) : id === undefined;
  if (role === undefined || !isUsable || others.length > 0) throw new StartFailure(EXIT.usage, USAGE);
  return { role, ...(id !== undefined && { id }) };
}
