/** Commands: one call, several concurrent calls, or passing time, each followed by a comparison. */
import fc from 'fast-check';
import { type CompletedCall, statesAfter } from './burst.ts';
import { type ApiResponse, type Call, CHANGES_OF_FACTS } from './calls.ts';
import { faultOf, faultOfAlternatives, fieldOf } from './expected.ts';
import { findMatchingState } from './observe.ts';
import type { Plan } from './plans.ts';
import * as people from './plans-people.ts';
import { quickReads, reads } from './plans-reads.ts';
import * as visits from './plans-visits.ts';
import { changedParticipant, revalidate } from './revalidation.ts';
import { step } from './step.ts';
import { finding, sendAndRecord, type World } from './world.ts';

/** A command of fast-check, whose model and system are the same object here. */
type Command = fc.AsyncCommand<World, World>;

function learn(world: World, { do: what }: Call, { status, body }: ApiResponse): void {
  if (what === 'hold' && status === 201) world.holdIds.push(String(fieldOf(body, 'id')));
}

async function runSequential(world: World, call: Call): Promise<void> {
  const now = world.clock.now();
  const response = await sendAndRecord(world, call);
  const { expected, state } = step(world.state, call, now, response);
  const fault = faultOf(expected, response) ?? faultOfAlternatives(expected, response, state, now);
  if (fault) throw finding(world, `${JSON.stringify(call)}: ${fault}`);
  learn(world, call, response);
  const person = response.status < 300 && !response.replayed ? changedParticipant(call) : undefined;
  const settled = person === undefined ? state : revalidate(state, person, now);
  world.state = await findMatchingState(world, [settled], { soon: person !== undefined });
}

const sequential = (plan: Plan): Command => ({
  check: () => true,
  async run(world) {
    const call = plan.resolve(world);
    if (call) await runSequential(world, call);
  },
  toString: () => plan.what,
});

/** Keeps one change of facts only, because two concurrent ones would make every response possible. */
function withOneChange(calls: readonly Call[]): Call[] {
  const change = calls.find(({ do: what }) => CHANGES_OF_FACTS.includes(what));
  return calls.filter((call) => call === change || !CHANGES_OF_FACTS.includes(call.do));
}

async function runConcurrent(world: World, calls: readonly Call[]): Promise<void> {
  const now = world.clock.now();
  world.journal.push(`--- ${calls.length} at once:`);
  const responses = await Promise.all(
    calls.map(async (call): Promise<CompletedCall> => ({ call, response: await sendAndRecord(world, call, '| ') })),
  );
  const states = statesAfter(world.state, responses, now);
  if (states.length === 0) throw finding(world, 'no order of the last calls has these responses');
  for (const { call, response } of responses) learn(world, call, response);
  const soon = calls.some((call) => changedParticipant(call) !== undefined);
  world.state = await findMatchingState(world, states, { soon });
}

/** Sends calls concurrently. With `twice`, the first of them is sent twice. */
const concurrent = (plans: readonly Plan[], twice: boolean): Command => ({
  check: () => true,
  async run(world) {
    const calls = withOneChange(plans.map((plan) => plan.resolve(world)).filter((call) => call !== undefined));
    const [first] = calls;
    if (twice && first?.key !== undefined) calls.push(first);
    if (calls.length > 0) await runConcurrent(world, calls);
  },
  toString: () => `at once: [${plans.map(({ what }) => what).join('; ')}]${twice ? ', the first one twice' : ''}`,
});

const timePasses = (minutes: number): Command => ({
  check: () => true,
  async run({ clock, journal }) {
    journal.push(`--- ${minutes} minutes pass`);
    clock.pass(minutes);
  },
  toString: () => `${minutes} minutes pass`,
});

/** Moves the clock to shortly after the start of one of the next visits. */
const visitBegins = (choice: number): Command => ({
  check: () => true,
  async run(world) {
    const now = world.clock.now();
    const starts = [...world.state.appointments.values()].map(({ start }) => start).filter((start) => start > now);
    const start = starts[choice % Math.max(starts.length, 1)];
    if (start !== undefined) await timePasses(Math.ceil((start - now) / 300_000) * 5).run(world, world);
  },
  toString: () => `visit ${choice} begins`,
});

const weighted = (weight: number, ...plans: fc.Arbitrary<Plan>[]) => plans.map((arbitrary) => ({ arbitrary, weight }));

const writesAtOnce = [
  ...weighted(8, visits.book, visits.reschedule),
  ...weighted(4, visits.hold, visits.bookHeld, visits.bookFirstFree, visits.cancel, visits.repeat),
  ...weighted(4, visits.takeStep, visits.stepBack, visits.change),
  ...weighted(3, people.addException),
  ...weighted(2, visits.release),
  ...weighted(2, people.removeException, people.changeDoctor, people.changePatient),
  ...weighted(1, people.replaceSchedule),
  ...weighted(1, people.registerPatient, people.addType, visits.getHold),
];

// The length of a type at the time of a booking is invisible, so types do not change during bookings.
const writes = [...writesAtOnce, ...weighted(2, people.changeType)];

const anyPlan = fc.oneof(...writes, ...weighted(2, ...reads));
const planAtOnce = fc.oneof(...writesAtOnce, ...weighted(2, ...quickReads));
const severalPlans = fc.array(planAtOnce, { minLength: 2, maxLength: 4 });
const passing = fc.constantFrom(5, 5, 10, 60, 24 * 60).map(timePasses);

const atOnce = (plans: fc.Arbitrary<Plan[]>) =>
  fc.tuple(plans, fc.boolean()).map(([several, twice]) => concurrent(several, twice));

export const commands: fc.Arbitrary<Command>[] = [
  ...Array(10).fill(anyPlan.map(sequential)),
  ...Array(3).fill(atOnce(severalPlans)),
  ...Array(2).fill(atOnce(visits.rivals)),
  passing,
  fc.nat({ max: 9 }).map(visitBegins),
];
