/** What everybody can see of the system, compared with the model. */
import { setTimeout as pause } from 'node:timers/promises';
import { expectData } from '@daybook/client';
import { fieldOf, isSame } from './expected.ts';
import { send } from './sending.ts';
import type { Entry, State } from './state.ts';
import { listed } from './visits.ts';
import { finding, type World } from './world.ts';

/** What was booked is flagged soon after a change, not with it. */
const PATIENCE_MILLIS = 8_000;
const BETWEEN_LOOKS_MILLIS = 15;

/** More than a doctor has in a run. */
const WHOLE = 100;
const SHORT_PAGE = 2;

/** The appointments of each doctor, read in pages of `limit`. */
async function see({ client, state }: World, limit = WHOLE): Promise<ReadonlyMap<string, unknown>> {
  const seen = [...state.doctors.keys()].map(async (doctorId) => {
    const answer = await send(client, { do: 'list', query: { doctorId }, limit }, () => '');
    return [doctorId, fieldOf(answer.body, 'items')] as const;
  });
  return new Map(await Promise.all(seen));
}

const looksLike = (seen: ReadonlyMap<string, unknown>, state: State): boolean =>
  [...seen].every(([doctorId, items]) => isSame(items, listed(state, { doctorId })));

/**
 * Of the states that the model thinks possible, the one that the system shows.
 * @throws Error when it shows none of them, now or, where it may take a while, before long
 */
export async function seeWhich(world: World, states: readonly State[], { soon }: { soon: boolean }): Promise<State> {
  const giveUpAt = performance.now() + (soon ? PATIENCE_MILLIS : 0);
  for (;;) {
    const seen = await see(world);
    const alike = states.filter((state) => looksLike(seen, state));
    const [found] = alike.length > 1 ? await withSameHistories(world, alike) : alike;
    if (found) return found;
    if (performance.now() >= giveUpAt) throw finding(world, differences(seen, states));
    await pause(BETWEEN_LOOKS_MILLIS);
  }
}

const historyOf = async ({ client }: World, id: string): Promise<unknown> =>
  (await send(client, { do: 'history', id }, () => '')).body;

/** Where the appointments look the same, what happened to them tells states apart. */
async function withSameHistories(world: World, states: readonly State[]): Promise<State[]> {
  const ids = [...new Set(states.flatMap(({ appointments }) => [...appointments.keys()]))];
  const ofAll = (id: string) => states.map(({ appointments }) => appointments.get(id)?.history);
  const differing = ids.filter((id) => ofAll(id).some((history) => !isSame(history, ofAll(id)[0])));
  const told = new Map(await Promise.all(differing.map(async (id) => [id, await historyOf(world, id)] as const)));
  return states.filter(({ appointments }) =>
    differing.every((id) => isSame(told.get(id), { items: appointments.get(id)?.history })),
  );
}

function differences(seen: ReadonlyMap<string, unknown>, states: readonly State[]): string {
  const expected = states.map((state) => [...seen.keys()].map((doctorId) => listed(state, { doctorId })));
  const text = (value: unknown) => JSON.stringify(value, undefined, 1);
  return `the system shows\n${text([...seen.values()])}\nand the model expects ${states.length > 1 ? 'one of ' : ''}\n${text(expected)}`;
}

/** The message that is due for what happened: a cancellation that was taken back is a booking again. */
function messageFor({ action, status, from, to }: Entry): string[] {
  if (action === 'booked' || action === 'cancelled') return [action];
  if (action === 'stepped-back') return status?.from === 'cancelled' ? ['booked'] : [];
  const isElsewhere = from && to && (['doctorId', 'start', 'end'] as const).some((field) => from[field] !== to[field]);
  return isElsewhere ? ['rescheduled'] : [];
}

const messagesFor = (history: readonly Entry[]): string[] => history.flatMap(messageFor);

/** After everything: the same lists in short pages, the history of each appointment, and a message for each change that people are told of. */
export async function checkTraces(world: World): Promise<void> {
  const seen = await see(world, SHORT_PAGE);
  if (!looksLike(seen, world.state)) throw finding(world, `in short pages ${differences(seen, [world.state])}`);
  for (const { id, history } of world.state.appointments.values()) {
    const told = await historyOf(world, id);
    if (!isSame(told, { items: history })) {
      throw finding(world, `the history of ${id} is ${JSON.stringify(told)}, not ${JSON.stringify(history)}`);
    }
    await checkMessages(world, id, messagesFor(history));
  }
}

async function checkMessages(world: World, appointmentId: string, due: readonly string[]): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE_MILLIS;
  for (;;) {
    const answer = await world.client.GET('/api/v1/notifications', { params: { query: { appointmentId } } });
    const kinds = expectData(answer).items.map(({ kind }) => kind);
    if (kinds.join() === due.join()) return;
    if (performance.now() >= giveUpAt)
      throw finding(world, `told of ${appointmentId}: ${kinds.join()}, not ${due.join()}`);
    await pause(BETWEEN_LOOKS_MILLIS);
  }
}
