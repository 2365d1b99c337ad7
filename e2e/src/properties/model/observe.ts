/** Compares the visible state of the system with the model. */
import { setTimeout as pause } from 'node:timers/promises';
import { expectData } from '@daybook/client';
import { fieldOf, isSame } from './expected.ts';
import { send } from './send.ts';
import type { Entry, State } from './state.ts';
import { listed } from './visits.ts';
import { finding, type World } from './world.ts';

/** Flags follow soon after a change, not with it. */
const POLL_TIMEOUT_MILLIS = 8_000;
const POLL_INTERVAL_MILLIS = 15;

/** More than a doctor has in a run. */
const FULL_PAGE = 100;
const SHORT_PAGE = 2;

/** Returns the appointments of each doctor, read in pages of `limit`. */
async function readLists({ client, state }: World, limit = FULL_PAGE): Promise<ReadonlyMap<string, unknown>> {
  const observed = [...state.doctors.keys()].map(async (doctorId) => {
    const response = await send(client, { do: 'list', query: { doctorId }, limit }, () => '');
    return [doctorId, fieldOf(response.body, 'items')] as const;
  });
  return new Map(await Promise.all(observed));
}

const matchesState = (observed: ReadonlyMap<string, unknown>, state: State): boolean =>
  [...observed].every(([doctorId, items]) => isSame(items, listed(state, { doctorId })));

/**
 * Returns the possible state of the model that matches the system.
 * @throws Error when none matches, after a timeout where the system may lag
 */
export async function findMatchingState(
  world: World,
  states: readonly State[],
  { soon }: { soon: boolean },
): Promise<State> {
  const deadline = performance.now() + (soon ? POLL_TIMEOUT_MILLIS : 0);
  for (;;) {
    const observed = await readLists(world);
    const matching = states.filter((state) => matchesState(observed, state));
    const [found] = matching.length > 1 ? await withSameHistories(world, matching) : matching;
    if (found) return found;
    if (performance.now() >= deadline) throw finding(world, differences(observed, states));
    await pause(POLL_INTERVAL_MILLIS);
  }
}

const historyOf = async ({ client }: World, id: string): Promise<unknown> =>
  (await send(client, { do: 'history', id }, () => '')).body;

/** Distinguishes states with equal appointments by the histories. */
async function withSameHistories(world: World, states: readonly State[]): Promise<State[]> {
  const ids = [...new Set(states.flatMap(({ appointments }) => [...appointments.keys()]))];
  const ofAll = (id: string) => states.map(({ appointments }) => appointments.get(id)?.history);
  const differing = ids.filter((id) => ofAll(id).some((history) => !isSame(history, ofAll(id)[0])));
  const actual = new Map(await Promise.all(differing.map(async (id) => [id, await historyOf(world, id)] as const)));
  return states.filter(({ appointments }) =>
    differing.every((id) => isSame(actual.get(id), { items: appointments.get(id)?.history })),
  );
}

function differences(observed: ReadonlyMap<string, unknown>, states: readonly State[]): string {
  const expected = states.map((state) => [...observed.keys()].map((doctorId) => listed(state, { doctorId })));
  const text = (value: unknown) => JSON.stringify(value, undefined, 1);
  return `the system shows\n${text([...observed.values()])}\nand the model expects ${states.length > 1 ? 'one of ' : ''}\n${text(expected)}`;
}

/** Returns the message of a history entry. An undone cancellation counts as a booking. */
function messageFor({ action, status, from, to }: Entry): string[] {
  if (action === 'booked' || action === 'cancelled') return [action];
  if (action === 'stepped-back') return status?.from === 'cancelled' ? ['booked'] : [];
  const isElsewhere = from && to && (['doctorId', 'start', 'end'] as const).some((field) => from[field] !== to[field]);
  return isElsewhere ? ['rescheduled'] : [];
}

const messagesFor = (history: readonly Entry[]): string[] => history.flatMap(messageFor);

/**
 * Checks, at the end, the lists in short pages, the history of each appointment, and a message for each notified
 * change.
 */
export async function checkHistoryAndMessages(world: World): Promise<void> {
  const observed = await readLists(world, SHORT_PAGE);
  if (!matchesState(observed, world.state))
    throw finding(world, `in short pages ${differences(observed, [world.state])}`);
  for (const { id, history } of world.state.appointments.values()) {
    const actual = await historyOf(world, id);
    if (!isSame(actual, { items: history })) {
      throw finding(world, `the history of ${id} is ${JSON.stringify(actual)}, not ${JSON.stringify(history)}`);
    }
    await checkMessages(world, id, messagesFor(history));
  }
}

async function checkMessages(world: World, appointmentId: string, due: readonly string[]): Promise<void> {
  const deadline = performance.now() + POLL_TIMEOUT_MILLIS;
  for (;;) {
    const response = await world.client.GET('/api/v1/notifications', { params: { query: { appointmentId } } });
    const kinds = expectData(response).items.map(({ kind }) => kind);
    if (kinds.join() === due.join()) return;
    if (performance.now() >= deadline)
      throw finding(world, `messages about ${appointmentId}: ${kinds.join()}, not ${due.join()}`);
    await pause(POLL_INTERVAL_MILLIS);
  }
}
