/** Runs a bounded load and measures the duration of each call. */

export interface Measured {
  readonly perSecond: number;
  readonly p50Millis: number;
  readonly p99Millis: number;
}

export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

export const formatMeasured = ({ perSecond, p50Millis, p99Millis }: Measured): string =>
  `${perSecond.toFixed(0)}/s   p50 ${p50Millis.toFixed(1)} ms   p99 ${p99Millis.toFixed(1)} ms`;

export const median = (values: readonly number[]): number =>
  percentile(
    values.toSorted((a, b) => a - b),
    0.5,
  );

/** Runs `call` for 0 to `count - 1`, with `inFlight` concurrent calls. A failed call ends the measurement. */
export async function measure(count: number, inFlight: number, call: (n: number) => Promise<void>): Promise<Measured> {
  const durations: number[] = [];
  const queue = Array(count).keys();
  async function worker(): Promise<void> {
    for (const n of queue) {
      const startedAt = performance.now();
      await call(n);
      durations.push(performance.now() - startedAt);
    }
  }
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: inFlight }, worker));
  const seconds = (performance.now() - startedAt) / 1000;
  durations.sort((a, b) => a - b);
  return { perSecond: count / seconds, p50Millis: percentile(durations, 0.5), p99Millis: percentile(durations, 0.99) };
}
