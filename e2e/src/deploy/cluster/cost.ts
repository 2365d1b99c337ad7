/** Computes the CPU of each workload's pods from a kubelet's `/stats/summary`. */
import { at, items, type Json, numberAt, textAt } from '@daybook/deploy-check';

export interface CpuOfWorkload {
  /** When the oldest of its counters was read. */
  readonly at: Temporal.Instant;
  readonly coreSeconds: number;
}

const LONG_AGO = Temporal.Instant.fromEpochMilliseconds(0);
const earlier = (one: Temporal.Instant, other: Temporal.Instant) =>
  Temporal.Instant.compare(one, other) < 0 ? one : other;

/** Returns the CPU of workloads by name. Names of pods begin with the name of their workload. */
export function cpuOf(summary: Json, names: readonly string[]): ReadonlyMap<string, CpuOfWorkload> {
  const pods = items(at(summary, 'pods'));
  return new Map(
    names.map((name) => {
      const containers = pods
        .filter((pod) => textAt(pod, 'podRef', 'name')?.startsWith(`${name}-`))
        .flatMap((pod) => items(at(pod, 'containers')));
      const counters = containers.map((one) => ({
        at: Temporal.Instant.from(textAt(one, 'cpu', 'time') ?? LONG_AGO.toString()),
        coreSeconds: (numberAt(one, 'cpu', 'usageCoreNanoSeconds') ?? 0) / 1e9,
      }));
      const [first] = counters;
      return [
        name,
        {
          at: counters.reduce((oldest, one) => earlier(oldest, one.at), first?.at ?? LONG_AGO),
          coreSeconds: counters.reduce((sum, one) => sum + one.coreSeconds, 0),
        },
      ];
    }),
  );
}

/** Returns whether all counters were read after that moment. */
export const isAfter = (cpu: ReadonlyMap<string, CpuOfWorkload>, moment: Temporal.Instant): boolean =>
  [...cpu.values()].every((one) => Temporal.Instant.compare(one.at, moment) > 0);

const between = (from: CpuOfWorkload, to: CpuOfWorkload) => ({
  coreSeconds: to.coreSeconds - from.coreSeconds,
  seconds: to.at.since(from.at).total('seconds'),
});

/**
 * Returns the core seconds of each workload from `begin` to `end`, minus its consumption at rest.
 * The interval from `rest` to `begin` measures the latter.
 */
export function costOf(
  name: string,
  [rest, begin, end]: readonly [
    ReadonlyMap<string, CpuOfWorkload>,
    ReadonlyMap<string, CpuOfWorkload>,
    ReadonlyMap<string, CpuOfWorkload>,
  ],
): number {
  const [first, second, third] = [rest.get(name), begin.get(name), end.get(name)];
  if (!first || !second || !third) throw new Error(`Nothing is known of ${name}.`);
  const atRest = between(first, second);
  const atWork = between(second, third);
  return atWork.coreSeconds - (atRest.coreSeconds / atRest.seconds) * atWork.seconds;
}
