/** The rules of the product, each held against the evidence. What it gives back is what breaks it, in words. */
import type { FinalState } from '../final-state.ts';
import { cellsAreThoseOfVisits, noDoubleBooking } from './bookings.ts';
import { eventsArePublished, eventsInOrder, nothingRemains, notifiedInOrder, notifiedOnce } from './events.ts';
import { historyIsComplete } from './history.ts';
import { atMostOneEffect, confirmedIsStored, refusedHasNoEffect, retriesAgree } from './responses.ts';

export interface Rule {
  readonly name: string;
  findViolations(state: FinalState): string[];
}

export const RULES: readonly Rule[] = [
  noDoubleBooking,
  cellsAreThoseOfVisits,
  confirmedIsStored,
  retriesAgree,
  refusedHasNoEffect,
  atMostOneEffect,
  historyIsComplete,
  eventsArePublished,
  eventsInOrder,
  notifiedOnce,
  notifiedInOrder,
  nothingRemains,
];
