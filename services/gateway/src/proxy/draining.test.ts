import { startDraining } from '@daybook/service';
import { describe, expect, test } from 'vitest';
import { startGateway, startServer } from '../testing.ts';

const PATIENTS = '/api/v1/patients';

async function startDrainingGateway() {
  const service = await startServer((request, response) => {
    request.resume();
    response.end('done');
  });
  const gateway = await startGateway({ patients: [service.url] });
  // The connection is open and persistent.
  const before = await fetch(`${gateway.url}${PATIENTS}`);
  expect(before.headers.get('connection')).not.toBe('close');
  await before.text();
  startDraining(gateway.app);
  return gateway;
}

describe('a gateway that leaves', () => {
  test.each([
    ['a plain request', {}],
    ['a request with a body', { method: 'POST', body: '{}' }],
    ['an upload of unknown length', { method: 'POST', body: new Blob(['{}']).stream(), duplex: 'half' as const }],
  ])('responds to %s, and then ends its connection', async (_, init) => {
    const { url } = await startDrainingGateway();
    for (let count = 0; count < 2; count += 1) {
      // A stream can be sent only once.
      const response = await fetch(`${url}${PATIENTS}`, count === 0 ? init : {});
      expect(response.status).toBe(200);
      expect(response.headers.get('connection')).toBe('close');
      expect(await response.text()).toBe('done');
    }
  });

  test('does the same with its own responses', async () => {
    const { url } = await startDrainingGateway();
    expect((await fetch(`${url}/health/live`)).headers.get('connection')).toBe('close');
    expect((await fetch(`${url}/nothing`)).headers.get('connection')).toBe('close');
  });
});
