/**
 * Starts the processes of the gateway's bench on loopback: a gateway, a registry, two services, nginx, Spring's
 * gateway.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { createEurekaClient } from '@daybook/discovery';
import { createLogger } from '@daybook/service';
import { bearerOf, type DaybookProcess, eurekaUrlOf, registryUsersVariable, startDaybook } from '@daybook/testing';
import { startSpringCloudGateway } from '@daybook/testing/java';
import { childrenOf } from '../processes.ts';
import { LARGE_YOUNG_GENERATION } from '../start.ts';
import type { LoadResult } from './load-generator.ts';

/** The gateway is ready when it knows one of each. Requests go to the first only. */
const SERVICES = ['patient-service', 'doctor-service', 'appointment-service', 'notification-service'];
/** A path of one of the gateway's own routes. */
export const PATH = '/api/v1/patients/018f6d2e-7a44-7cc3-9b1a-3b6f2a9d1c55';

const run = (file: string, ...args: (string | number)[]): ChildProcess =>
  spawn(process.execPath, [join(import.meta.dirname, file), ...args.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill();
  await ended;
}

export interface Upstream extends AsyncDisposable {
  readonly port: number;
}

/**
 * Starts a service that responds immediately. With `slots` it handles that many requests at a time, for `millis` each.
 */
export async function startUpstream(slots = 0, millis = 0): Promise<Upstream> {
  const child = run('upstream.ts', slots, millis);
  if (!child.stdout) throw new Error('the upstream has no output');
  const [line]: [Buffer] = await once(child.stdout, 'data').then(([chunk]) => [chunk]);
  return { port: Number(line), [Symbol.asyncDispose]: () => end(child) };
}

/** A gateway of ours, with the access token that every request carries. */
export interface OwnGateway extends DaybookProcess, AsyncDisposable {
  readonly authorization: string;
}

/** Starts a gateway that balances between these services, from a registry, and identity, whose tokens it verifies. */
export async function startGateway(data: string, upstreams: readonly Upstream[]): Promise<OwnGateway> {
  await using resources = new AsyncDisposableStack();
  const environment = { ...registryUsersVariable, DAYBOOK_SERVICE_PORT: '0' };
  const registry = await startDaybook({ data, service: 'registry', environment });
  resources.defer(() => registry.end().then(() => undefined));
  const logger = createLogger({ level: 'error' });
  for (const { port } of upstreams) {
    for (const serviceId of SERVICES) {
      const servers = [eurekaUrlOf(serviceId, `${registry.url}/eureka`)];
      const client = createEurekaClient({ servers, logger, renewalIntervalMillis: 5_000 });
      resources.defer(() => client.close());
      const instanceId = `127.0.0.1:${serviceId}:${port}`;
      await client.register({ instanceId, serviceId, hostName: '127.0.0.1', ipAddr: '127.0.0.1', port });
    }
  }
  const identity = await startDaybook({ data, service: 'identity' });
  resources.defer(() => identity.end().then(() => undefined));
  const gateway = await startDaybook({ data, service: 'gateway', nodeFlags: LARGE_YOUNG_GENERATION });
  resources.defer(() => gateway.end().then(() => undefined));
  const owned = resources.move();
  return { ...gateway, ...(await bearerOf(gateway)), [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

export const isNginxInstalled = (): boolean => spawnSync('nginx', ['-v']).status === 0;

/** Plain balanced forwarding with one worker, persistent connections and no log. */
const nginxConfiguration = (folder: string, port: number, upstreams: readonly Upstream[]): string => `
daemon off; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log; worker_processes 1;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 1000000; keepalive_timeout 60s;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi; uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  upstream services {
    ${upstreams.map((upstream) => `server 127.0.0.1:${upstream.port};`).join(' ')}
    keepalive 256; keepalive_requests 1000000;
  }
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass http://services; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}`;

/** A process that forwards requests. */
export interface GatewayProcess {
  readonly port: number;
  /** The id of the process that forwards. */
  readonly pid: number;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no port is free');
  return address.port;
}

export async function startNginx(
  folder: string,
  upstreams: readonly Upstream[],
): Promise<GatewayProcess & AsyncDisposable> {
  const port = await freePort();
  const file = join(folder, 'nginx.conf');
  await writeFile(file, nginxConfiguration(folder, port, upstreams));
  const master = spawn('nginx', ['-p', folder, '-c', file], { stdio: 'inherit' });
  for (let attempts = 0; attempts < 50; attempts += 1) {
    await sleep(100);
    const [pid] = childrenOf(master.pid ?? 0);
    if (pid !== undefined) return { port, pid, [Symbol.asyncDispose]: () => end(master) };
  }
  throw new Error('nginx does not start');
}

/** Starts Spring's gateway with one route over the given instances, and defaults elsewhere. */
export async function startSpring(upstreams: readonly Upstream[]): Promise<GatewayProcess & AsyncDisposable> {
  const { url, program } = await startSpringCloudGateway({
    upstreams: upstreams.map(({ port }) => `http://127.0.0.1:${port}`),
    machine: [],
  });
  return {
    port: Number(new URL(url).port),
    pid: program.pid,
    [Symbol.asyncDispose]: () => program.end().then(() => undefined),
  };
}

export interface Load {
  readonly port: number;
  readonly authorization: string;
  readonly connections: number;
  readonly seconds: number;
  /** Requests a second. If left out, as many as responses arrive. */
  readonly rate?: number;
}

export async function load({ port, authorization, connections, seconds, rate = 0 }: Load): Promise<LoadResult> {
  const child = run('load-generator.ts', port, PATH, connections, seconds, rate, authorization);
  if (!child.stdout) throw new Error('the load has no output');
  const result: LoadResult = JSON.parse(await text(child.stdout));
  if (result.broken > 0) throw new Error(`${result.broken} connections broke under load`);
  return result;
}
