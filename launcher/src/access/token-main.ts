/** `npm run token -- ROLE [ID]`: prints an access token of the local system, good for five minutes, for use with curl. */
import { openLocalTokens } from '@daybook/identity-service/local-tokens';
import { EXIT, runCommand, StartFailure } from '@daybook/service';
import { environment } from '../config.ts';
import { localEnvironment } from './local-environment.ts';

const ROLES = ['patient', 'doctor', 'front-desk', 'administrator'] as const;
const USAGE =
  'Usage: npm run -s token -- ROLE [ID], where ROLE is patient, doctor, front-desk or administrator, and ID is that of the patient or doctor.';
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

await runCommand(async ([name, id, ...others]) => {
  const role = ROLES.find((one) => one === name);
  const needsId = role === 'patient' || role === 'doctor';
  const isUsable = needsId ? id !== undefined && UUID.test(id) : id === undefined;
  if (role === undefined || !isUsable || others.length > 0) throw new StartFailure(EXIT.usage, USAGE);
  await using tokens = await openLocalTokens(await localEnvironment(environment));
  return await tokens.sign({ role, ...(id !== undefined && { id }) });
});
