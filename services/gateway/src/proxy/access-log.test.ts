import { createBalancer } from '@daybook/discovery';
import { describe, expect, test } from 'vitest';
import { OWN_CREDENTIALS } from '../http/forwarded-credentials.ts';
import { createTestDiscovery, PATIENTS, startGateway, startServer, unreachableUrl } from '../testing.ts';
import { createDiscoveryRefresh } from '../upstream/discovery-refresh.ts';
import { createAccessLog, type ExchangeReport } from './access-log.ts';
import { createReverseProxy } from './reverse-proxy.ts';

const REPORT: ExchangeReport = {
  method: 'GET',
  route: 'patients',
  outcome: 'proxied',
  status: 200,
  durationMillis: 1.2345,
  requestId: 'r',
  traceId: 't',
};

/** Starts a proxy alone on a real port, and returns its reports. */
async function startProxy(url: string) {
  const discovery = createTestDiscovery();
  discovery.setInstances('patient-service', [url]);
  const reports: ExchangeReport[] = [];
  const warnings: unknown[] = [];
  const proxy = createReverseProxy({
    logger: { warn: (...line: unknown[]) => void warnings.push(line) },
    discovery,
    balancer: createBalancer(discovery),
    services: () => ['patient-service'],
    report: (report) => void reports.push(report),
    authentication: { authenticate: () => ({ caller: undefined, credentials: OWN_CREDENTIALS }) },
  });
  const server = await startServer((request, response) => proxy.handle(PATIENTS, request, response));
  return { url: server.url, reports, warnings };
}

describe('of every request', () => {
  test('one line is written, without path and query', async () => {
    const upstream = await startServer((_request, response) => response.writeHead(201).end());
    const { url, reports } = await startProxy(upstream.url);
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const headers = { 'x-request-id': 'mine', traceparent: `00-${traceId}-00f067aa0ba902b7-01` };
    await fetch(`${url}/api/v1/patients/secret?q=Ana`, { method: 'POST', body: 'x', headers });
    await expect.poll(() => reports.length).toBe(1);
    expect(reports).toEqual([
      {
        method: 'POST',
        route: 'patients',
        outcome: 'proxied',
        status: 201,
        durationMillis: expect.any(Number),
        requestId: 'mine',
        traceId,
      },
    ]);
  });

  test('the outcome separates a response of the gateway from one of the service', async () => {
    const { url, reports, warnings } = await startProxy(await unreachableUrl());
    await fetch(`${url}/api/v1/patients/secret`);
    await expect.poll(() => reports.length).toBe(1);
    expect(reports).toMatchObject([{ outcome: 'unavailable', status: 503 }]);
    expect(warnings).toMatchObject([[{ route: 'patients', reason: 'ECONNREFUSED' }, 'attempt failed']]);
    expect(JSON.stringify(warnings)).not.toContain('secret');
  });

  test('a client that did not wait has an outcome of its own', async () => {
    const controller = new AbortController();
    const upstream = await startServer(() => controller.abort());
    const { url, reports } = await startProxy(upstream.url);
    await expect(fetch(`${url}/api/v1/patients`, { signal: controller.signal })).rejects.toThrow();
    await expect.poll(() => reports).toMatchObject([{ outcome: 'client-closed-request', status: 499 }]);
  });

  test('the log shows the fields of the report', async () => {
    const { app } = await startGateway();
    const lines: unknown[] = [];
    const report = createAccessLog(
      { histogram: (options) => app.histogram({ ...options, name: 'other_seconds' }) },
      { isLevelEnabled: () => true, info: (...line: unknown[]) => void lines.push(line) },
    );
    report(REPORT);
    expect(lines).toEqual([[{ ...REPORT, durationMillis: 1.2 }, 'request']]);
  });

  test('count and time are shown by route, outcome and status', async () => {
    const upstream = await startServer((_request, response) => response.end());
    const { url } = await startGateway({ patients: [upstream.url] });
    await fetch(`${url}/api/v1/patients/secret?q=Ana`);
    const metrics = async () => await (await fetch(`${url}/metrics`)).text();
    await expect
      .poll(metrics)
      .toContain('gateway_request_duration_seconds_count{route="patients",outcome="proxied",status="200"} 1');
    expect(await metrics()).not.toMatch(/secret|Ana/);
  });
});

test('a registry that cannot be read is logged once, and again after it could', async () => {
  let fails = true;
  const warnings: unknown[] = [];
  const discovery = createTestDiscovery(async () => {
    if (fails) throw new Error('no registry');
  });
  const discoveryRefresh = createDiscoveryRefresh(discovery, {
    warn: (...line: unknown[]) => void warnings.push(line),
  });
  await discoveryRefresh.refreshWithin(1_000);
  await discoveryRefresh.refreshWithin(1_000);
  expect(warnings).toHaveLength(1);
  fails = false;
  await discoveryRefresh.refreshWithin(1_000);
  fails = true;
  await discoveryRefresh.refreshWithin(1_000);
  expect(warnings).toHaveLength(2);
});
