import { Refusal } from '@daybook/contracts';

/**
 * Checks that a merge patch has no other members than contacts.
 * @throws Refusal `forbidden`, with each other member
 */
export function assertContactsOnly(patch: object, contacts: readonly string[], others: string): void {
  const forbidden = Object.keys(patch).filter((member) => !contacts.includes(member));
  if (forbidden.length === 0) return;
  throw new Refusal('forbidden', `You may change ${contacts.join(', ')} only. Ask ${others} to change the rest.`, {
    errors: forbidden.map((member) => ({ pointer: `/${member}`, message: `only ${others} may change this` })),
  });
}
