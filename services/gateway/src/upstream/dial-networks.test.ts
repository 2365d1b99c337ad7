import { createDialRules } from '@daybook/discovery';
import { expect, it } from 'vitest';
import { createTestDiscovery, sendRaw, startGateway, startServer } from '../testing.ts';

const HANDSHAKE = [
  'GET /api/v1/patients/live HTTP/1.1',
  'Host: x',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  '\r\n',
].join('\r\n');

/** Starts a gateway that may dial 10.0.0.0/8, and a local server that the registry lists as `host`. */
async function startForbidden(host: string) {
  const upstream = await startServer((_request, response) => response.end());
  let connections = 0;
  upstream.server.on('connection', () => {
    connections += 1;
  });
  const { port } = new URL(upstream.url);
  const discovery = { ...createTestDiscovery(), dialRules: createDialRules(['10.0.0.0/8']) };
  const gateway = await startGateway({ discovery });
  discovery.setInstances('patient-service', [`http://${host}:${port}`]);
  return { gateway, connections: () => connections };
}

it.each(['localhost', '127.0.0.1'])(
  'gateway returns 503 and does not dial %s where that is forbidden',
  async (host) => {
    const { gateway, connections } = await startForbidden(host);
    expect((await fetch(`${gateway.url}/api/v1/patients`)).status).toBe(503);
    expect(connections()).toBe(0);
  },
);

it.each(['localhost', '127.0.0.1', '[::ffff:127.0.0.1]'])(
  'gateway returns 503 to a WebSocket handshake and does not dial %s where that is forbidden',
  async (host) => {
    const { gateway, connections } = await startForbidden(host);
    expect(await sendRaw(gateway.port, HANDSHAKE)).toMatch(/^HTTP\/1\.1 503 /);
    expect(connections()).toBe(0);
  },
);
