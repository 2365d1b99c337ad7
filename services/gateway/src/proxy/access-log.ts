/** Records each request as one log line and one measurement. */
import type { App, HistogramSeries, Logger } from '@daybook/service';

/**
 * How a request ended. The names without an entry here explain themselves.
 * - `proxied`: by an instance.
 * - `local-response`: by a filter.
 * - `refused`: by the gateway, because of the client's request.
 * - `shed`: because of overload.
 * - `aborted`: in the middle of the response.
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

/** Omits the path and the query, because a path holds ids and a query holds names. */
export interface ExchangeReport {
  readonly method: string;
  readonly route: string;
  readonly outcome: Outcome;
  readonly status: number;
  readonly durationMillis: number;
  readonly requestId: string;
  readonly traceId: string;
}

/** Creates the writer of the access log and of the histogram in `/metrics`. */
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
  /** Returns the series from nested maps. One combined key would have to be built for every request. */
  function seriesOf({ route, outcome, status }: ExchangeReport): HistogramSeries {
    const ofRoute = seriesByRoute.getOrInsertComputed(route, () => new Map());
    const ofOutcome = ofRoute.getOrInsertComputed(outcome, () => new Map());
    return ofOutcome.getOrInsertComputed(status, () => durations.withLabels({ route, outcome, status }));
  }

  return (report) => {
    const { durationMillis } = report;
    seriesOf(report).observe(durationMillis / 1_000);
    // Building the line costs more than this check.
    if (!logger.isLevelEnabled('info')) return;
    logger.info({ ...report, durationMillis: Math.round(durationMillis * 10) / 10 }, 'request');
  };
}
