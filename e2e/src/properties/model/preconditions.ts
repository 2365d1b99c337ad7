/** Refusals, and `If-Match`, which rejects a change for another version. */
import type { Outcome, Refused } from './expected.ts';
import type { State } from './state.ts';

export const refuse = (state: State, code: string): Outcome => ({ expected: { codes: [code] }, state });

interface Versioned {
  readonly ifMatch: string | undefined;
  readonly version: number;
}

/** Returns the outcome of a change with its precondition. When both fail, either refusal is correct. */
export function provided(state: State, { ifMatch, version }: Versioned, outcome: Outcome): Outcome {
  if (ifMatch === undefined || ifMatch === `"${version}"`) return outcome;
  const { expected } = outcome;
  const refused: Refused = 'codes' in expected ? expected : { codes: [] };
  return { expected: { ...refused, codes: [...refused.codes, 'precondition-failed'] }, state };
}
