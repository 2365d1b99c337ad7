/** What is written down of each request: one line and one measurement. */
import type { App, HistogramSeries, Logger } from '@daybook/service';

/**
 * `proxied` by an instance, `local-response` by a filter, `refused` by the gateway because of what the client sent,
 * `shed` because there was too much to do, `aborted` in the middle of the response; the others say themselves.
 */
export type Outcome =
  | 'proxied'
  | 'local-response'
  | 'refused'
  | 'shed'
  | 'unavailable'
  | 'timeout'
  | 'aborted'
  | 'client-closed-request';

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
export function createAccessLog(
  app: Pick<App, 'histogram'>,
  logger: Pick<Logger, 'info' | 'isLevelEnabled'>,
): (report: ExchangeReport) => void {
  const durations = app.histogram({
    name: 'gateway_request_duration_seconds',
    help: 'Time from a request to the end of its response, for requests that match a route',
    labelNames: ['route', 'outcome', 'status'],
  });
  const seriesByRoute = new Map<string, Map<Outcome, Map<number, HistogramSeries>>>();
  /** By maps in maps: a key made of all three would have to be written for every request. */
  function seriesOf({ route, outcome, status }: ExchangeReport): HistogramSeries {
    const ofRoute = seriesByRoute.getOrInsertComputed(route, () => new Map());
    const ofOutcome = ofRoute.getOrInsertComputed(outcome, () => new Map());
    return ofOutcome.getOrInsertComputed(status, () => durations.withLabels({ route, outcome, status }));
  }

  return (report) => {
    const { durationMillis } = report;
    seriesOf(report).observe(durationMillis / 1_000);
    // To make the line is more than to leave it out.
    if (!logger.isLevelEnabled('info')) return;
    logger.info({ ...report, durationMillis: Math.round(durationMillis * 10) / 10 }, 'request');
  };
}
