/**
 * Calls at random. A plan is made of small numbers before the run, so that it can be shrunk; what they stand for is looked
 * up in the state when its turn comes. Few people, few times and short days: what can meet, meets.
 */
import fc from 'fast-check';
import type { Call } from './calls.ts';
import { UNKNOWN_ID, type World } from './world.ts';

export interface Plan {
  readonly what: string;
  /** Undefined when there is nothing yet that it could be about. */
  resolve(world: World): Call | undefined;
}

export const plan = <Choice>(
  what: string,
  choices: fc.Arbitrary<Choice>,
  resolve: (choice: Choice, world: World) => Call | undefined,
): fc.Arbitrary<Plan> =>
  choices.map((choice) => ({ what: `${what} ${JSON.stringify(choice)}`, resolve: (world) => resolve(choice, world) }));

/** Which one of those there are; now and then one that is not there. */
export const which = fc.nat({ max: 999 });

export const isUnknown = (choice: number): boolean => choice % 40 === 39;

/** Of the newest few: what is long past seldom meets anything. */
export function oneOf(ids: Iterable<string>, choice: number, newest = 8): string {
  const among = [...ids].slice(-newest);
  return isUnknown(choice) ? UNKNOWN_ID : (among[choice % Math.max(among.length, 1)] ?? UNKNOWN_ID);
}

/** A key of its own for a POST, or none. */
export const keyed = fc.boolean();

export function keyOf(world: World, isKeyed: boolean): { key?: string } {
  if (!isKeyed) return {};
  world.keys += 1;
  return { key: `${world.name}-${world.keys}` };
}

export const condition = fc.oneof(
  { arbitrary: fc.constant('none' as const), weight: 8 },
  { arbitrary: fc.constantFrom('current' as const, 'stale' as const), weight: 2 },
);
export type Condition = 'none' | 'current' | 'stale';

export function ifMatchOf(chosen: Condition, version: number | undefined): { ifMatch?: string } {
  if (chosen === 'none' || version === undefined) return {};
  return { ifMatch: `"${chosen === 'current' ? version : version + 1}"` };
}
