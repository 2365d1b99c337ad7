/** Counts the outcomes of the rows of one file. Every row has one outcome, so the numbers add up. */

export type Outcome =
  /** Registered or booked by this run. */
  | { readonly kind: 'new' }
  /** Registered or booked before. */
  | { readonly kind: 'known' }
  /** Rejected by the API. */
  | { readonly kind: 'refused'; readonly code: string; readonly detail: string }
  /** No request could be made of the row. */
  | { readonly kind: 'bad'; readonly reason: string };

export class Counts {
  rows = 0;
  created = 0;
  existing = 0;
  bad = 0;
  /** Rejections by code. */
  readonly refused = new Map<string, number>();

  add(outcome: Outcome): void {
    this.rows += 1;
    if (outcome.kind === 'new') this.created += 1;
    else if (outcome.kind === 'known') this.existing += 1;
    else if (outcome.kind === 'bad') this.bad += 1;
    else this.refused.set(outcome.code, (this.refused.get(outcome.code) ?? 0) + 1);
  }
}
