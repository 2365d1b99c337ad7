/** What a run works with: the state of the model, the system, and what was asked so far. */
import type { DaybookClient } from '@daybook/client';
import type { ApiResponse, Call } from './calls.ts';
import type { MovedClock } from './clock.ts';
import { fieldOf } from './expected.ts';
import { send } from './send.ts';
import type { State } from './state.ts';

/** Who is nowhere. */
export const UNKNOWN_ID = '018f0000-0000-7000-8000-000000000000';

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
  readonly covered: Set<string>;
  /** How many Idempotency-Keys were made. */
  keys: number;
}

/** As much as helps to see how it came to be. */
const SHOWN_LINES = 40;

/** Sends a call, and writes down what was asked and answered. */
export async function sendAndRecord(world: World, call: Call, prefix = ''): Promise<ApiResponse> {
  if (call.key !== undefined) world.posts.push(call);
  const response = await send(world.client, call, (id) => world.state.doctors.get(id)?.timeZone ?? 'UTC');
  world.covered.add(`${call.do} ${response.replayed ? 'replayed' : (fieldOf(response.body, 'code') ?? 'done')}`);
  world.journal.push(`${prefix}${JSON.stringify(call)}\n    ${JSON.stringify(response)}`);
  return response;
}

/** A finding, with what led to it. */
export const finding = (world: World, fault: string): Error =>
  new Error(`${fault}\n\nThe last calls, and their responses:\n${world.journal.slice(-SHOWN_LINES).join('\n')}\n`);
