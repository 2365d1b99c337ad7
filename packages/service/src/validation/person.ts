/** Normalization of stored people, for patients and doctors. */
import { tidyName } from '@daybook/contracts';
import { toE164 } from './phone.ts';

interface Person {
  readonly givenName?: string | null;
  readonly familyName?: string;
  readonly phone?: string | null;
}

/** Returns a person, or a patch of one, as stored: names without invisible characters, the phone as E.164. */
export function tidyPerson<Input extends Person>(input: Input): Input {
  const { givenName, familyName, phone } = input;
  return {
    ...input,
    ...(typeof givenName === 'string' && { givenName: tidyName(givenName) }),
    ...(familyName !== undefined && { familyName: tidyName(familyName) }),
    ...(typeof phone === 'string' && { phone: toE164(phone) ?? phone }),
  };
}
