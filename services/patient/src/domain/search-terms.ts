import { type Patient, searchTerms } from '@daybook/contracts';

/** Everything that a search for this patient may begin with. */
export function searchTermsOf(patient: Patient): string[] {
  const { givenName, familyName, phone, email, identifiers = [] } = patient;
  const terms = [
    `${givenName} ${familyName}`,
    `${familyName} ${givenName}`,
    ...`${givenName} ${familyName}`.split(/\s+/u),
    ...[phone, email].filter((contact) => contact !== undefined),
    ...identifiers.map(({ value }) => value),
  ];
  return searchTerms(terms);
}
