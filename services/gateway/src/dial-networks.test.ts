import { createDialRules } from '@daybook/discovery';
import { expect, it } from 'vitest';
import { createTestDiscovery, startGateway, startServer } from './testing.ts';

it.each(['localhost', '127.0.0.1'])(
  'gateway returns 503 and does not dial %s where that is forbidden',
  async (host) => {
    const upstream = await startServer((_request, response) => response.end());
    const { port } = new URL(upstream.url);
    const discovery = { ...createTestDiscovery(), dialRules: createDialRules(['10.0.0.0/8']) };
    const { url } = await startGateway({ discovery });
    discovery.place('patient-service', [`http://${host}:${port}`]);
    const response = await fetch(`${url}/api/v1/patients`);
    expect(response.status).toBe(503);
    expect(upstream.requests).toEqual([]);
  },
);
