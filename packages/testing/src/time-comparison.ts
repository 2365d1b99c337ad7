/**
 * Compares the times of actions that have to take equally long. The measure is how often an observer who sees one time of
 * each would order them right, which does not depend on the speed of the machine.
 */

/** The samples of each action. More of them find smaller differences. */
export const COMPARISON_ROUNDS = Number(process.env.DAYBOOK_TEST_TIME_ROUNDS ?? 40);

/** Measures one sample of an action in milliseconds, without what it needs before. */
export type Measure = () => Promise<number>;

export interface ComparisonOptions {
  /** The samples of each action. */
  readonly rounds: number;
  /** Rounds that are not counted, in which code and caches become warm. */
  readonly warmUps: number;
}

/** Returns the share of pairs in which `later` has the larger time. Half of a tie counts. 0.5 reveals nothing. */
export function shareOfLater(earlier: readonly number[], later: readonly number[]): number {
  let wins = 0;
  for (const one of earlier) {
    for (const other of later) wins += other > one ? 1 : other === one ? 0.5 : 0;
  }
  return wins / (earlier.length * later.length);
}

/** Returns the numbers below a count in a random order. */
function shuffled(count: number): number[] {
  const order = Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last -= 1) {
    const other = Math.floor(Math.random() * (last + 1));
    [order[last], order[other]] = [order[other] ?? 0, order[last] ?? 0];
  }
  return order;
}

/** Measures all actions in turns, in a new order each round, so that the load of the machine is the same for each. */
export async function measureInTurns(
  measures: readonly Measure[],
  { rounds, warmUps }: ComparisonOptions,
): Promise<number[][]> {
  const times: number[][] = measures.map(() => []);
  for (let round = -warmUps; round < rounds; round += 1) {
    for (const index of shuffled(measures.length)) {
      const millis = (await measures[index]?.()) ?? Number.NaN;
      if (round >= 0) times[index]?.push(millis);
    }
  }
  return times;
}

/** Returns how far each further action is from the first one: 0 is the same time, 0.5 another time in every pair. */
export async function distancesFromFirst(
  measures: readonly Measure[],
  options: ComparisonOptions,
): Promise<readonly number[]> {
  const [first = [], ...others] = await measureInTurns(measures, options);
  return others.map((times) => Math.abs(shareOfLater(first, times) - 0.5));
}
