/** Refusals, and `If-Match`: a change that is meant for another version is refused. */
import type { Outcome, Refused } from './expected.ts';
import type { State } from './state.ts';

export const refuse = (state: State, code: string): Outcome => ({ expected: { codes: [code] }, state });

interface Versioned {
  readonly ifMatch: string | undefined;
  readonly version: number;
}

/** What comes of a change with its precondition. What is refused anyway may be refused for either. */
export function provided(state: State, { ifMatch, version }: Versioned, outcome: Outcome): Outcome {
  if (ifMatch === undefined || ifMatch === `"${version}"`) return outcome;
  const { expected } = outcome;
  const refused: Refused = 'codes' in expected ? expected : { codes: [] };
  return { expected: { ...refused, codes: [...refused.codes, 'precondition-failed'] }, state };
}
