/** Bodies stream through the gateway without growing its memory. */
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { createEurekaClient } from '@daybook/discovery';
import { createLogger } from '@daybook/service';
import { eurekaUrlOf, registryUsersVariable, startDaybook, temporaryFolder } from '@daybook/testing';
import { expect, it } from 'vitest';

const GIGABYTE = 1_000_000_000;
const MOST_RESIDENT_MEGABYTES = 150;
const CHUNK = Buffer.alloc(1_000_000, 'a');

/** Starts a service that sends a gigabyte, and counts the bytes that it receives. */
async function startStore() {
  const server = createServer(async (request, response) => {
    if (request.method === 'GET') {
      for (let sent = 0; sent < GIGABYTE; sent += CHUNK.length) {
        if (!response.write(CHUNK)) await once(response, 'drain');
      }
      response.end();
    } else {
      let received = 0;
      for await (const chunk of request) received += chunk.length;
      response.end(String(received));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the store has no port');
  return { server, port: address.port };
}

/** Returns the peak memory of a process since the last call, in megabytes. */
function peakMegabytes(pid: number): number {
  const peak = Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_000;
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
  return peak;
}

it.runIf(process.platform === 'linux')(
  'carries a gigabyte each way in less than 150 MB of memory',
  async () => {
    await using folder = await temporaryFolder();
    const data = folder.path;
    const routes = join(data, 'routes.json');
    const filters = [{ requestSize: 2 * GIGABYTE }];
    const route = { id: 'store', predicates: { path: ['/store'] }, service: 'store-service', filters };
    await writeFile(routes, JSON.stringify({ routes: [route] }));
    const store = await startStore();
    const users = { ...registryUsersVariable, DAYBOOK_SERVICE_PORT: '0' };
    const registry = await startDaybook({ data, service: 'registry', environment: users });
    const logger = createLogger({ level: 'error' });
    const eureka = createEurekaClient({ servers: [eurekaUrlOf('store-service', `${registry.url}/eureka`)], logger });
    const place = { hostName: '127.0.0.1', ipAddr: '127.0.0.1', port: store.port };
    await eureka.register({ instanceId: 'store', serviceId: 'store-service', ...place });
    // The first start compiles, which takes memory that the process keeps.
    const environment = { DAYBOOK_ROUTES: routes, NODE_COMPILE_CACHE: join(data, 'compiled') };
    await (await startDaybook({ data, service: 'gateway', environment })).end();
    const gateway = await startDaybook({ data, service: 'gateway', environment });

    // Resets the peak, because loading takes more memory than running.
    peakMegabytes(gateway.pid);
    const download = await fetch(`${gateway.url}/store`);
    let received = 0;
    for await (const chunk of download.body ?? []) received += chunk.length;
    expect(received).toBe(GIGABYTE);
    expect(peakMegabytes(gateway.pid)).toBeLessThan(MOST_RESIDENT_MEGABYTES);

    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent === GIGABYTE) controller.close();
        else controller.enqueue(CHUNK);
        sent = Math.min(GIGABYTE, sent + CHUNK.length);
      },
    });
    const upload = await fetch(`${gateway.url}/store`, { method: 'POST', body, duplex: 'half' });
    expect(await upload.text()).toBe(String(GIGABYTE));
    expect(peakMegabytes(gateway.pid)).toBeLessThan(MOST_RESIDENT_MEGABYTES);

    await gateway.end();
    await eureka.close();
    await registry.end();
    store.server.closeAllConnections();
    store.server.close();
  },
  90_000,
);
