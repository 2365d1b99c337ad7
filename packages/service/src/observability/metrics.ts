import { Counter, collectDefaultMetrics, Gauge, Registry } from '@prometheus-io/client';
import type { App } from '../http/app-type.ts';
import { Histogram, type HistogramOptions } from './histogram.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** Adds a histogram of seconds at `/metrics`, for requests that do not pass through Fastify. */
    histogram<Label extends string>(options: HistogramOptions<Label>): Histogram<Label>;
    /** Adds a value at `/metrics`, computed at each read. */
    gauge(options: GaugeOptions): void;
  }
}

export interface GaugeOptions {
  name: string;
  help: string;
  value: () => number;
}

/** Memory, garbage collection, event loop: one set per process, for all its services. */
const processMetrics = new Registry();
collectDefaultMetrics({ register: processMetrics });

/** Adds `/metrics` for Prometheus. Requests are counted by route pattern and not by path, which may hold an id. */
export function addMetrics(app: App): void {
  const registry = new Registry();
  const histograms: { toString(): string }[] = [];
  const createHistogram = <Label extends string>(options: HistogramOptions<Label>) => {
    const histogram = new Histogram(options);
    histograms.push(histogram);
    return histogram;
  };
  app.decorate('histogram', createHistogram);
  app.decorate('gauge', ({ name, help, value }: GaugeOptions) => {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(value());
      },
    });
  });
  const duration = createHistogram({
    name: 'http_server_request_duration_seconds',
    help: 'Time from a request to its response',
    labelNames: ['method', 'route', 'status'],
  });
  // Each label has few values: methods that Node parses, patterns of routes, codes of the catalogue.
  const refusals = new Counter({
    name: 'http_server_refusals_total',
    help: 'Requests that were refused, by the code of the refusal',
    labelNames: ['method', 'route', 'code'],
    registers: [registry],
  });
  app.decorateReply('refusalCode', undefined);
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none';
    if (reply.refusalCode !== undefined) refusals.inc({ method: request.method, route, code: reply.refusalCode });
    duration.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
  });
  app.get('/metrics', { schema: { hide: true }, config: { operations: 'only' } }, async (_request, reply) =>
    reply
      .type(registry.contentType)
      .send([await Registry.merge([processMetrics, registry]).metrics(), ...histograms].join('\n')),
  );
}
