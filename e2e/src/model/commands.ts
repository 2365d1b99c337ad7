/** One call, several at once, or time that passes: each with the comparison after it. */
import fc from 'fast-check';
import { type Answered, statesAfter } from './burst.ts';
import { type Answer, type Call, CHANGES_OF_FACTS } from './calls.ts';
import { faultOf, faultOfAlternatives, fieldOf } from './expected.ts';
import type { Plan } from './plans.ts';
import * as people from './plans-of-people.ts';
import { quickReads, reads } from './plans-of-reads.ts';
import * as visits from './plans-of-visits.ts';
import { changedPerson, recheck } from './rechecks.ts';
import { step } from './step.ts';
import { seeWhich } from './visible.ts';
import { ask, finding, type World } from './world.ts';

/** What fast-check hands to both sides of a command: here one thing. */
type Command = fc.AsyncCommand<World, World>;

function learn(world: World, { do: what }: Call, { status, body }: Answer): void {
  if (what === 'hold' && status === 201) world.holdIds.push(String(fieldOf(body, 'id')));
}

async function callAlone(world: World, call: Call): Promise<void> {
  const now = world.clock.now();
  const answer = await ask(world, call);
  const { expected, state } = step(world.state, call, now, answer);
  const fault = faultOf(expected, answer) ?? faultOfAlternatives(expected, answer, state, now);
  if (fault) throw finding(world, `${JSON.stringify(call)}: ${fault}`);
  learn(world, call, answer);
  const person = answer.status < 300 && !answer.replayed ? changedPerson(call) : undefined;
  const settled = person === undefined ? state : recheck(state, person, now);
  world.state = await seeWhich(world, [settled], { soon: person !== undefined });
}

const alone = (plan: Plan): Command => ({
  check: () => true,
  async run(world) {
    const call = plan.resolve(world);
    if (call) await callAlone(world, call);
  },
  toString: () => plan.what,
});

/** One change of what is booked on is enough at a time: with two, everything would be right. */
function withOneChange(calls: readonly Call[]): Call[] {
  const change = calls.find(({ do: what }) => CHANGES_OF_FACTS.includes(what));
  return calls.filter((call) => call === change || !CHANGES_OF_FACTS.includes(call.do));
}

async function callTogether(world: World, calls: readonly Call[]): Promise<void> {
  const now = world.clock.now();
  world.journal.push(`--- ${calls.length} at once:`);
  const answers = await Promise.all(
    calls.map(async (call): Promise<Answered> => ({ call, answer: await ask(world, call, '| ') })),
  );
  const states = statesAfter(world.state, answers, now);
  if (states.length === 0) throw finding(world, 'no order of the last calls has these answers');
  for (const { call, answer } of answers) learn(world, call, answer);
  const soon = calls.some((call) => changedPerson(call) !== undefined);
  world.state = await seeWhich(world, states, { soon });
}

/** `twice`: the first of them is sent twice. */
const together = (plans: readonly Plan[], twice: boolean): Command => ({
  check: () => true,
  async run(world) {
    const calls = withOneChange(plans.map((plan) => plan.resolve(world)).filter((call) => call !== undefined));
    const [first] = calls;
    if (twice && first?.key !== undefined) calls.push(first);
    if (calls.length > 0) await callTogether(world, calls);
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

/** Until shortly after one of the next visits has begun. */
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

const oftener = (weight: number, ...plans: fc.Arbitrary<Plan>[]) => plans.map((arbitrary) => ({ arbitrary, weight }));

const writesAtOnce = [
  ...oftener(8, visits.book, visits.reschedule),
  ...oftener(4, visits.hold, visits.bookHeld, visits.bookFirstFree, visits.cancel, visits.repeat),
  ...oftener(4, visits.takeStep, visits.stepBack, visits.change),
  ...oftener(3, people.addException),
  ...oftener(2, visits.release),
  ...oftener(2, people.removeException, people.changeDoctor, people.changePatient),
  ...oftener(1, people.replaceSchedule),
  ...oftener(1, people.registerPatient, people.addType, visits.getHold),
];

// How long a type was when a time was taken cannot be seen, so it does not change while times are taken.
const writes = [...writesAtOnce, ...oftener(2, people.changeType)];

const anyPlan = fc.oneof(...writes, ...oftener(2, ...reads));
const planAtOnce = fc.oneof(...writesAtOnce, ...oftener(2, ...quickReads));
const severalPlans = fc.array(planAtOnce, { minLength: 2, maxLength: 4 });
const passing = fc.constantFrom(5, 5, 10, 60, 24 * 60).map(timePasses);

const atOnce = (plans: fc.Arbitrary<Plan[]>) =>
  fc.tuple(plans, fc.boolean()).map(([several, twice]) => together(several, twice));

export const commands: fc.Arbitrary<Command>[] = [
  ...Array(10).fill(anyPlan.map(alone)),
  ...Array(3).fill(atOnce(severalPlans)),
  ...Array(2).fill(atOnce(visits.rivals)),
  passing,
  fc.nat({ max: 9 }).map(visitBegins),
];
