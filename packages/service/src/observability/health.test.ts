import { Health, Info } from '@daybook/contracts';
import { Check } from 'typebox/value';
import { describe, expect, it } from 'vitest';
import { bareApp } from '../testing.ts';

const works = async () => undefined;

describe('a service', () => {
  it('is alive whatever its dependencies do', async () => {
    const { app } = await bareApp({ checks: { database: () => Promise.reject(new Error('no')) } });
    const response = await app.inject('/health/live');
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual({ status: 'UP', components: {} });
  });

  it('is ready when all that it needs works', async () => {
    const { app } = await bareApp({ checks: { database: works, broker: works } });
    const response = await app.inject('/health/ready');
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual({
      status: 'UP',
      components: { database: { status: 'UP' }, broker: { status: 'UP' } },
    });
    expect(Check(Health, response.json())).toBe(true);
  });

  it.each([
    ['fails', () => Promise.reject(new Error('password of ana is wrong'))],
    ['does not respond', () => new Promise<void>(() => undefined)],
    [
      'fails at once',
      () => {
        throw new Error('password of ana is wrong');
      },
    ],
  ])('is not ready when a dependency %s, and shows no reason', async (_what, broker) => {
    const { app, lines } = await bareApp({ checks: { database: works, broker } });
    const response = await app.inject('/health/ready');
    expect(response.statusCode).toBe(503);
    expect(response.json()).toEqual({
      status: 'DOWN',
      components: { database: { status: 'UP' }, broker: { status: 'DOWN' } },
    });
    expect(response.body + lines.join()).not.toContain('ana');
  });

  it('is ready, but DEGRADED, when a dependency fails that it can do without for a while', async () => {
    const bus = () => Promise.reject(new Error('no broker'));
    const { app } = await bareApp({ checks: { database: works }, tolerated: { bus } });
    const response = await app.inject('/health/ready');
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual({
      status: 'UP',
      components: { database: { status: 'UP' }, bus: { status: 'DEGRADED' } },
    });
    expect(Check(Health, response.json())).toBe(true);
  });

  it('becomes ready when the dependency is back', async () => {
    let away = true;
    const { app } = await bareApp({
      checks: { database: async () => void (await (away ? Promise.reject() : undefined)) },
    });
    expect((await app.inject('/health/ready')).statusCode).toBe(503);
    away = false;
    expect((await app.inject('/health/ready')).statusCode).toBe(200);
  });

  it('reports its name and version', async () => {
    const { app } = await bareApp();
    const response = await app.inject('/info');
    expect(Check(Info, response.json())).toBe(true);
    expect(response.json()).toMatchObject({ name: 'thing-service', node: process.version });
  });
});
