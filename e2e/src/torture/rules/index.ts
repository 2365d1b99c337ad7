/** The rules of the product, each held against the evidence. What it gives back is what breaks it, in words. */
import type { Evidence } from '../evidence.ts';
import { answersAreTrue, nothingTwice, refusedMeansNothing, retriesAgree } from './answers.ts';
import { cellsAreThoseOfVisits, noDoubleBooking } from './bookings.ts';
import { eventsArePublished, eventsInOrder, nothingIsLeft, toldInOrder, toldOnce } from './events.ts';
import { historyIsComplete } from './history.ts';

export interface Rule {
  readonly name: string;
  breaches(evidence: Evidence): string[];
}

export const RULES: readonly Rule[] = [
  noDoubleBooking,
  cellsAreThoseOfVisits,
  answersAreTrue,
  retriesAgree,
  refusedMeansNothing,
  nothingTwice,
  historyIsComplete,
  eventsArePublished,
  eventsInOrder,
  toldOnce,
  toldInOrder,
  nothingIsLeft,
];
