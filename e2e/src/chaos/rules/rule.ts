import type { FinalState } from '../final-state.ts';

/** A rule of the product. `findViolations` returns the violations in the final state, as text. */
export interface Rule {
  readonly name: string;
  findViolations(state: FinalState): string[];
}
