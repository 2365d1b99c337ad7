/** What is written down of each request: one line and one measurement. */
import type { App, DurationSeries, Logger } from '@daybook/service';

/**
 * `answered` by an instance, `answered-here` by a filter, `refused` by the gateway because of what the client sent,
 * `shed` because there was too much to do, `broken` in the middle of the answer; the others say themselves.
 */
export type Outcome =
  | 'answered'
  | 'answered-here'
  | 'refused'
  | 'shed'
  | 'unavailable'
  | 'deadline'
  | 'broken'
  | 'client-gone';

/** Neither path nor query: a path holds ids, a query names. */
export interface ExchangeReport {
  readonly method: string;
  readonly route: string;
  readonly outcome: Outcome;
  readonly status: number;
  readonly durationMillis: number;
  readonly requestId: string;
  readonly traceId: string;
}

/** Writes the access log, and the histogram that `/metrics` shows. */
export function createReporter(
  app: Pick<App, 'durations'>,
  logger: Pick<Logger, 'info' | 'isLevelEnabled'>,
): (report: ExchangeReport) => void {
  const durations = app.durations({
    name: 'gateway_request_duration_seconds',
    help: 'Time from a request to the end of its answer, of what the gateway passed on',
    labelNames: ['route', 'outcome', 'status'],
  });
  const known = new Map<string, Map<Outcome, Map<number, DurationSeries>>>();
  /** By maps in maps: a key made of all three would have to be written for every request. */
  function seriesOf({ route, outcome, status }: ExchangeReport): DurationSeries {
    const ofRoute = known.getOrInsertComputed(route, () => new Map());
    const ofOutcome = ofRoute.getOrInsertComputed(outcome, () => new Map());
    return ofOutcome.getOrInsertComputed(status, () => durations.of({ route, outcome, status }));
  }

  return (report) => {
    const { durationMillis } = report;
    seriesOf(report).observe(durationMillis / 1_000);
    // To make the line is more than to leave it out.
    if (!logger.isLevelEnabled('info')) return;
    logger.info({ ...report, durationMillis: Math.round(durationMillis * 10) / 10 }, 'request');
  };
}
