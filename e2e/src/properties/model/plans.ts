/**
 * Generates calls. A plan consists of small numbers, so that it can be shrunk.
 * The numbers select from the state when the call is made.
 * People, times and days are few, so that calls often conflict.
 */
import fc from 'fast-check';
import type { Call } from './calls.ts';
import { UNKNOWN_ID, type World } from './world.ts';

export interface Plan {
  readonly what: string;
  /** Returns undefined when no suitable resource exists yet. */
  resolve(world: World): Call | undefined;
}

export const plan = <Choice>(
  what: string,
  choices: fc.Arbitrary<Choice>,
  resolve: (choice: Choice, world: World) => Call | undefined,
): fc.Arbitrary<Plan> =>
  choices.map((choice) => ({ what: `${what} ${JSON.stringify(choice)}`, resolve: (world) => resolve(choice, world) }));

/** Selects an existing item, and sometimes an unknown one. */
export const which = fc.nat({ max: 999 });

export const isUnknown = (choice: number): boolean => choice % 40 === 39;

/** Selects one of the newest few, because old ones seldom conflict. */
export function oneOf(ids: Iterable<string>, choice: number, newest = 8): string {
  const among = [...ids].slice(-newest);
  return isUnknown(choice) ? UNKNOWN_ID : (among[choice % Math.max(among.length, 1)] ?? UNKNOWN_ID);
}

/** Whether a POST has its own key. */
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
