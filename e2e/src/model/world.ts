/** What a run works with: the state of the model, the system, and what was asked so far. */
import type { DaybookClient } from '@daybook/client';
import type { Answer, Call } from './calls.ts';
import type { MovedClock } from './clock.ts';
import { fieldOf } from './expected.ts';
import { send } from './sending.ts';
import type { State } from './state.ts';

/** Who is nowhere. */
export const NOBODY = '018f0000-0000-7000-8000-000000000000';

export interface World {
  readonly client: DaybookClient;
  readonly clock: MovedClock;
  /** Tells this run from others of the same system. */
  readonly name: string;
  state: State;
  /** Every POST that had a key, to be repeated. */
  readonly posts: Call[];
  /** Holds that were made, those that are over as well. */
  readonly holdIds: string[];
  readonly journal: string[];
  /** Which calls were answered how, in this run and those before it: `book slot-taken`, `cancel done`, `hold again`. */
  readonly met: Set<string>;
  /** How many Idempotency-Keys were made. */
  keys: number;
}

/** As much as helps to see how it came to be. */
const SHOWN_LINES = 40;

/** Sends a call, and writes down what was asked and answered. */
export async function ask(world: World, call: Call, together = ''): Promise<Answer> {
  if (call.key !== undefined) world.posts.push(call);
  const answer = await send(world.client, call, (id) => world.state.doctors.get(id)?.timeZone ?? 'UTC');
  world.met.add(`${call.do} ${answer.replayed ? 'again' : (fieldOf(answer.body, 'code') ?? 'done')}`);
  world.journal.push(`${together}${JSON.stringify(call)}\n    ${JSON.stringify(answer)}`);
  return answer;
}

/** A finding, with what led to it. */
export const finding = (world: World, fault: string): Error =>
  new Error(`${fault}\n\nThe last calls, and their answers:\n${world.journal.slice(-SHOWN_LINES).join('\n')}\n`);
