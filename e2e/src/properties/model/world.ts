/** The data of a run: the model's state, the system, and the calls so far. */
import type { DaybookClient } from '@daybook/client';
import type { ApiResponse, Call } from './calls.ts';
import type { MovedClock } from './clock.ts';
import { fieldOf } from './expected.ts';
import { send } from './send.ts';
import type { State } from './state.ts';

/** An id of no resource. */
export const UNKNOWN_ID = '018f0000-0000-7000-8000-000000000000';

export interface World {
  readonly client: DaybookClient;
  readonly clock: MovedClock;
  /** Distinguishes this run from others on the same system. */
  readonly name: string;
  state: State;
  /** Every POST with a key, for repetition. */
  readonly posts: Call[];
  /** Created holds, also those that are over. */
  readonly holdIds: string[];
  readonly journal: string[];
  /** The outcomes of calls, in this run and earlier ones: `book slot-taken`, `cancel done`, `hold again`. */
  readonly covered: Set<string>;
  /** The number of Idempotency-Keys so far. */
  keys: number;
}

/** Enough lines to explain a fault. */
const SHOWN_LINES = 40;

/** Sends a call, and records it with its response. */
export async function sendAndRecord(world: World, call: Call, prefix = ''): Promise<ApiResponse> {
  if (call.key !== undefined) world.posts.push(call);
  const response = await send(world.client, call, (id) => world.state.doctors.get(id)?.timeZone ?? 'UTC');
  world.covered.add(`${call.do} ${response.replayed ? 'replayed' : (fieldOf(response.body, 'code') ?? 'done')}`);
  world.journal.push(`${prefix}${JSON.stringify(call)}\n    ${JSON.stringify(response)}`);
  return response;
}

/** Returns an error with the fault and the calls that led to it. */
export const finding = (world: World, fault: string): Error =>
  new Error(`${fault}\n\nThe last calls, and their responses:\n${world.journal.slice(-SHOWN_LINES).join('\n')}\n`);
