import { randomUUID } from 'node:crypto';
import { Refusal } from '@daybook/contracts';
import { expect, it } from 'vitest';
import { bareApp } from '../testing.ts';

it('counts requests by route pattern, method and status, and never by an address', async () => {
  const { app } = await bareApp();
  app.get('/patients/:id', async (_request, reply) => reply.code(204).send());
  const id = randomUUID();
  await app.inject(`/patients/${id}?q=Silva`);
  await app.inject(`/patients/${id}`);
  await app.inject(`/unknown/${id}`);
  await app.inject(`/%/${id}`);
  const response = await app.inject('/metrics');
  expect(response.headers['content-type']).toMatch(/^text\/plain/);
  const count = 'http_server_request_duration_seconds_count';
  expect(response.body).toMatch(new RegExp(`^${count}\\{method="GET",route="/patients/:id",status="204"\\} 2$`, 'm'));
  expect(response.body).toMatch(new RegExp(`^${count}\\{method="GET",route="none",status="404"\\} 1$`, 'm'));
  expect(response.body).not.toContain(id);
  expect(response.body).not.toContain('Silva');
});

it('counts refusals by route pattern, method and code', async () => {
  const { app } = await bareApp();
  app.get('/patients/:id', async () => {
    throw new Refusal('not-found', 'No patient has this id.');
  });
  app.get('/failing', async () => {
    throw new Error('broken');
  });
  app.get('/working', async () => 'yes');
  const id = randomUUID();
  for (const url of [`/patients/${id}`, `/patients/${id}?q=Silva`, '/failing', '/working', `/unknown/${id}`]) {
    await app.inject(url);
  }
  const { body } = await app.inject('/metrics');
  const counts = body.split('\n').filter((line) => line.startsWith('http_server_refusals_total{'));
  expect(counts.sort()).toEqual([
    'http_server_refusals_total{method="GET",route="/failing",code="internal-error"} 1',
    'http_server_refusals_total{method="GET",route="/patients/:id",code="not-found"} 2',
    'http_server_refusals_total{method="GET",route="none",code="not-found"} 1',
  ]);
});

it('has the process, and of each service only its own requests', async () => {
  const { app: one } = await bareApp();
  const { app: other } = await bareApp();
  one.get('/only-here', async () => 'yes');
  await one.inject('/only-here');
  expect((await one.inject('/metrics')).body).toContain('only-here');
  const { body } = await other.inject('/metrics');
  expect(body).not.toContain('only-here');
  expect(body).toContain('process_cpu_seconds_total');
  expect(body).toContain('nodejs_eventloop_lag_seconds');
});

it('takes further durations of what does not pass through the application', async () => {
  const { app } = await bareApp();
  const histogram = app.histogram({ name: 'upstream_seconds', help: 'Time of an upstream', labelNames: ['service'] });
  histogram.observe({ service: 'patient-service' }, 0.02);
  expect((await app.inject('/metrics')).body).toContain('upstream_seconds_count{service="patient-service"} 1');
});

it('takes values that are computed for each scrape', async () => {
  const { app } = await bareApp();
  let value = 1;
  app.gauge({ name: 'things', help: 'How many', value: () => value });
  expect((await app.inject('/metrics')).body).toMatch(/^things 1$/m);
  value = 2;
  expect((await app.inject('/metrics')).body).toMatch(/^things 2$/m);
});
