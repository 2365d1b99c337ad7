/** The rules of the product. Each returns the violations in the final state, as text. */
import { cellsAreThoseOfVisits, noDoubleBooking } from './bookings.ts';
import { eventsArePublished, eventsInOrder, nothingRemains, notifiedInOrder, notifiedOnce } from './events.ts';
import { historyIsComplete } from './history.ts';
import { atMostOneEffect, confirmedIsStored, refusedHasNoEffect, retriesAgree } from './responses.ts';
import type { Rule } from './rule.ts';

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
