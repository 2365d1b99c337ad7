import { networkInterfaces } from 'node:os';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bareApp } from '../testing.ts';
import { openOperationsPort } from './operations.ts';

const FOR_OPERATORS = ['/metrics', '/info'];
const HEALTH = ['/health/live', '/health/ready'];

const rejectionOf = (response: Response) => [response.status, response.headers.get('allow')];
const statusOf = async (url: string, path: string) => (await fetch(`${url}${path}`)).status;

async function startThings(host = '127.0.0.1') {
  const { app } = await bareApp();
  app.get('/things', async () => ({ items: [] }));
  onTestFinished(() => app.close());
  return { app, url: await app.listen({ host, port: 0 }) };
}

describe('with an operations port', () => {
  async function startSeparated() {
    const { app, url } = await startThings();
    const operations = await openOperationsPort(app, '127.0.0.1', 0);
    onTestFinished(operations.close);
    return { app, url, operations };
  }

  it('the other port serves the API and health, and nothing for operators', async () => {
    const { url } = await startSeparated();
    for (const path of FOR_OPERATORS) {
      const response = await fetch(`${url}${path}`);
      expect([response.status, await response.json()]).toEqual([404, expect.objectContaining({ code: 'not-found' })]);
      expect((await fetch(`${url}${path}`, { method: 'HEAD' })).status).toBe(404);
    }
    for (const path of [...HEALTH, '/things']) expect(await statusOf(url, path)).toBe(200);
  });

  it('the other port names no methods of what is for operators only', async () => {
    const { url } = await startSeparated();
    for (const path of FOR_OPERATORS) {
      expect(rejectionOf(await fetch(`${url}${path}`, { method: 'POST' }))).toEqual([404, null]);
    }
    for (const path of HEALTH) {
      expect(rejectionOf(await fetch(`${url}${path}`, { method: 'POST' }))).toEqual([405, 'GET, HEAD']);
    }
  });

  it('the operations port serves what is for operators and health, and nothing of the API', async () => {
    const { operations } = await startSeparated();
    for (const path of [...FOR_OPERATORS, ...HEALTH]) expect(await statusOf(operations.url, path)).toBe(200);
    for (const path of ['/things', '/openapi.json', '/nothing']) {
      expect(await statusOf(operations.url, path)).toBe(404);
    }
  });

  it('the operations port serves what a proxy forwards: its address decides', async () => {
    const { operations } = await startSeparated();
    const headers = { 'x-forwarded-for': '192.0.2.7' };
    expect((await fetch(`${operations.url}/metrics`, { headers })).status).toBe(200);
  });

  it('both ports count in the same metrics', async () => {
    const { url, operations } = await startSeparated();
    await statusOf(url, '/things');
    const metrics = await (await fetch(`${operations.url}/metrics`)).text();
    expect(metrics).toMatch(/route="\/things"/);
  });

  it('a port that is taken is reported', async () => {
    const { app } = await startThings();
    const { url } = await startThings();
    await expect(openOperationsPort(app, '127.0.0.1', Number(new URL(url).port))).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
    expect((await app.inject('/metrics')).statusCode).toBe(200);
  });
});

describe('without an operations port', () => {
  it('programs of this machine read what is for operators on the one port', async () => {
    const { url } = await startThings();
    for (const path of FOR_OPERATORS) expect(await statusOf(url, path)).toBe(200);
    for (const path of FOR_OPERATORS) {
      expect(rejectionOf(await fetch(`${url}${path}`, { method: 'POST' }))).toEqual([405, 'GET, HEAD']);
    }
  });

  it.each(['10.1.2.3', '::ffff:10.1.2.3', 'fe80::1'])('clients at %s do not', async (remoteAddress) => {
    const { app } = await startThings();
    for (const url of FOR_OPERATORS) expect((await app.inject({ url, remoteAddress })).statusCode).toBe(404);
    for (const url of FOR_OPERATORS) {
      expect((await app.inject({ method: 'POST', url, remoteAddress })).statusCode).toBe(404);
    }
    for (const url of HEALTH) expect((await app.inject({ url, remoteAddress })).statusCode).toBe(200);
  });

  it.each([
    ['Forwarded', 'for=192.0.2.7'],
    ['X-Forwarded-For', '192.0.2.7'],
    ['X-Forwarded-Proto', 'https'],
    ['X-Forwarded-Host', 'clinic.example'],
    ['X-Real-IP', '192.0.2.7'],
    ['Via', '1.1 proxy'],
  ])('a request that a proxy of this machine forwarded with %s is not served', async (name, value) => {
    const { url } = await startThings();
    for (const path of FOR_OPERATORS) {
      expect((await fetch(`${url}${path}`, { headers: { [name]: value } })).status).toBe(404);
    }
    for (const path of HEALTH) {
      expect((await fetch(`${url}${path}`, { headers: { [name]: value } })).status).toBe(200);
    }
  });

  it('clients over another address of this machine do not', async () => {
    const { url } = await startThings('0.0.0.0');
    const other = Object.values(networkInterfaces())
      .flatMap((some) => some ?? [])
      .find(({ family, internal }) => family === 'IPv4' && !internal);
    if (other) expect(await statusOf(`http://${other.address}:${new URL(url).port}`, '/metrics')).toBe(404);
  });
});
