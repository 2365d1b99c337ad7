/** What patients and doctors have in common when they are kept. */
import { tidyName } from '@daybook/contracts';
import { toE164 } from './phone.ts';

interface Person {
  readonly givenName?: string | null;
  readonly familyName?: string;
  readonly phone?: string | null;
}

/** Returns a person, or a patch of one, as it is kept: names without what cannot be seen, the phone as E.164. */
export function tidyPerson<Input extends Person>(input: Input): Input {
  const { givenName, familyName, phone } = input;
  return {
    ...input,
    ...(typeof givenName === 'string' && { givenName: tidyName(givenName) }),
    ...(familyName !== undefined && { familyName: tidyName(familyName) }),
    ...(typeof phone === 'string' && { phone: toE164(phone) ?? phone }),
  };
}
