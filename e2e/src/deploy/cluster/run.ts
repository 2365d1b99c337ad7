/**
 * `npm run deploy:cluster-test`: tests overlays/local on a temporary real cluster.
 * It takes some minutes, Docker, and a program that creates clusters: see cluster.ts.
 * Measurements are written to standard output. Arguments are for Vitest: `-- --bail=0` continues after a failure.
 */
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cluster, clusterProgram, kubectl } from './cluster.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../../../..');
const BUILD_DEADLINE_MILLIS = 30 * 60_000;
/** As the manifests name them. */
const VERSION = '0.1.0';
const SERVICES = ['gateway', 'identity', 'patient', 'doctor', 'appointment', 'notification'];
const SERVERS = ['mysql:9', 'rabbitmq:4-management'];

const began = performance.now();
const print = (line: string) => console.log(`== after ${((performance.now() - began) / 1000).toFixed(0)} s: ${line}`);

async function build(tag: string, ...args: readonly string[]): Promise<void> {
  const options = {
    cwd: ROOT,
    timeout: BUILD_DEADLINE_MILLIS,
    maxBuffer: 2 ** 26,
    env: { ...process.env, DOCKER_BUILDKIT: '1' },
  };
  await run('docker', ['build', '--quiet', '--tag', tag, ...args], options);
}

async function buildImages(): Promise<readonly string[]> {
  const file = 'deploy/images/Dockerfile';
  await Promise.all([
    ...SERVICES.map((service) => build(`daybook/${service}:${VERSION}`, '--file', file, '--target', service, '.')),
    build(`daybook/eureka:${VERSION}`, 'deploy/eureka'),
  ]);
  return [...SERVICES, 'eureka'].map((name) => `daybook/${name}:${VERSION}`);
}

/** Runs the tests in the cluster's network, where the pods are reachable. */
async function trial(folder: string): Promise<number | null> {
  const args = [
    'in',
    process.execPath,
    join(ROOT, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--config',
    'e2e/src/deploy/cluster/vitest.config.ts',
    ...process.argv.slice(2),
  ];
  const child = spawn(clusterProgram(), args, {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, DAYBOOK_TEST_CLUSTER_FOLDER: folder },
  });
  return new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
}

/** Saves the output of the pods and the cluster after a failure, before the cluster is deleted. */
async function saveDiagnostics(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-cluster-said-'));
  const commands = {
    'pods.txt': ['get', 'pods', '--output=wide'],
    'events.txt': ['get', 'events', '--sort-by=.lastTimestamp'],
    'logs.txt': ['logs', '--selector=app.kubernetes.io/name', '--prefix', '--tail=2000', '--max-log-requests=50'],
  };
  for (const [file, args] of Object.entries(commands)) {
    const output = await kubectl(...args).catch((error: unknown) => String(error));
    await writeFile(join(folder, file), output);
  }
  print(`the logs of the pods and the cluster are in ${folder}`);
}

const folder = await mkdtemp(join(tmpdir(), 'daybook-cluster-'));
try {
  print('builds the images');
  const images = await buildImages();
  print('starts the cluster');
  await cluster(['up']);
  print('brings the images there');
  await cluster(['load', ...images, ...SERVERS]);
  print('tries it');
  process.exitCode = (await trial(folder)) ?? 1;
  if (process.exitCode !== 0) await saveDiagnostics();
} finally {
  print('takes the cluster down');
  await cluster(['down']);
  await rm(folder, { recursive: true, force: true });
  print('is done');
}
