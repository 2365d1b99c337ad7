/** A private RabbitMQ for a test on loopback, which the test may kill and restart. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { isRequired } from './brokers.ts';

const run = promisify(execFile);
const PROGRAMS = '/usr/lib/rabbitmq/bin';
const IMAGE = 'rabbitmq:4-management';
const START_DEADLINE_MILLIS = 400_000;
const END_DEADLINE_MILLIS = 30_000;

/**
 * Writes pending tables to disk. A quorum queue finds no leader if its broker is killed within seconds of an election.
 * The result is then only in memory. This is a fault of RabbitMQ; see docs/runbook.md.
 */
const WRITE_WHAT_WAITS = ['eval', '[dets:sync(Table) || Table <- dets:all()].'];

export interface PrivateBroker extends AsyncDisposable {
  readonly url: string;
  /** Stops the broker as a power failure or as an administrator does; `start` restarts it. */
  stop(how: 'killed' | 'in order'): Promise<void>;
  /** Starts on the same port, with the data on disk. Resolves when it accepts connections. */
  start(): Promise<void>;
  /** Runs an administrator's command: `rabbitmqctl …`. */
  control(...args: string[]): Promise<string>;
}

export interface PrivateBrokerKind {
  readonly name: string;
  create(): Promise<PrivateBroker>;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('there is no free port');
  return address.port;
}

/** Returns whether the broker greets, because a forwarded port accepts connections before the broker does. */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const end = (hasGreeted: boolean) => {
      socket.destroy();
      resolve(hasGreeted);
    };
    socket.setTimeout(1_000, () => end(false));
    socket.once('connect', () => socket.write('AMQP\0\0\t\u0001'));
    socket.once('data', () => end(true));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
  });
}

async function untilItGreets(port: number, output: () => string): Promise<void> {
  const deadline = performance.now() + START_DEADLINE_MILLIS;
  while (!(await greets(port))) {
    if (performance.now() > deadline) throw new Error(`the broker does not start:\n${output()}`);
    await sleep(100);
  }
}

/** Creates a node of the installed server with its own name, ports and folder. */
async function createNode(): Promise<PrivateBroker> {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-rabbitmq-'));
  const [port, distribution] = [await freePort(), await freePort()];
  const name = `daybook-test-${port}@localhost`;
  const settings = [`listeners.tcp.1 = 127.0.0.1:${port}`, 'log.console.level = warning', 'log.file = false'];
  await writeFile(join(folder, 'rabbitmq.conf'), `${settings.join('\n')}\n`);
  await writeFile(join(folder, 'plugins'), '[].\n');
  await mkdir(join(folder, 'log'));
  const environment = {
    PATH: process.env.PATH,
    LANG: 'C.UTF-8',
    HOME: folder,
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: name,
    RABBITMQ_DIST_PORT: String(distribution),
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'plugins'),
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_PID_FILE: join(folder, 'pid'),
    RABBITMQ_CONF_ENV_FILE: join(folder, 'none'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
  };
  let child: ReturnType<typeof spawn> | undefined;
  let output = '';

  async function start(): Promise<void> {
    // A separate process group, so that its children end with it.
    child = spawn(join(PROGRAMS, 'rabbitmq-server'), [], { env: environment, stdio: 'pipe', detached: true });
    const keep = (chunk: Buffer) => {
      output = (output + chunk.toString('utf8')).slice(-10_000);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    await untilItGreets(port, () => output);
  }

  const control = async (...args: string[]) =>
    (await run(join(PROGRAMS, 'rabbitmqctl'), ['-n', name, ...args], { env: environment })).stdout;

  async function stop(how: 'killed' | 'in order'): Promise<void> {
    const ending = child;
    if (ending?.pid === undefined || ending.exitCode !== null) return;
    if (how === 'killed') await control(...WRITE_WHAT_WAITS);
    const ended = once(ending, 'exit', { signal: AbortSignal.timeout(END_DEADLINE_MILLIS) });
    process.kill(-ending.pid, how === 'killed' ? 'SIGKILL' : 'SIGTERM');
    await ended;
    child = undefined;
  }

  await start();
  return {
    url: `amqp://guest:guest@127.0.0.1:${port}`,
    start,
    stop,
    control,
    async [Symbol.asyncDispose]() {
      if (child?.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

async function createContainer(): Promise<PrivateBroker> {
  const port = await freePort();
  const { stdout } = await run('docker', ['run', '-d', '-p', `127.0.0.1:${port}:5672`, IMAGE]);
  const id = stdout.trim();
  const start = async () => {
    await run('docker', ['start', id]);
    await untilItGreets(port, () => `docker logs ${id}`);
  };
  const control = async (...args: string[]) => (await run('docker', ['exec', id, 'rabbitmqctl', ...args])).stdout;
  await start();
  return {
    url: `amqp://guest:guest@127.0.0.1:${port}`,
    start,
    async stop(how) {
      if (how === 'killed') {
        await control(...WRITE_WHAT_WAITS);
        await run('docker', ['kill', id]);
      } else {
        await control('stop');
      }
      await run('docker', ['wait', id], { timeout: END_DEADLINE_MILLIS });
    },
    control,
    async [Symbol.asyncDispose]() {
      await run('docker', ['rm', '-f', '-v', id]);
    },
  };
}

async function hasImage(): Promise<boolean> {
  try {
    await run('docker', ['image', 'inspect', IMAGE], { timeout: 5_000 });
    return true;
  } catch {
    return false;
  }
}

/**
 * Returns the brokers that can be started here.
 * @throws when one is required and cannot start
 */
export async function privateBrokers(): Promise<PrivateBrokerKind[]> {
  const kinds: PrivateBrokerKind[] = [];
  const leaveOut = (name: string, how: string, required: boolean) => {
    if (required) throw new Error(`${name} is required: ${how}`);
    console.warn(`SKIPPED: the tests that restart ${name}. To run them: ${how}`);
  };
  if (existsSync(join(PROGRAMS, 'rabbitmq-server'))) kinds.push({ name: 'RabbitMQ', create: createNode });
  else leaveOut('RabbitMQ', 'apt-get install rabbitmq-server', isRequired('rabbitmq'));
  if (await hasImage()) kinds.push({ name: 'RabbitMQ 4', create: createContainer });
  else leaveOut('RabbitMQ 4', `docker pull ${IMAGE}`, isRequired('rabbitmq4'));
  return kinds;
}
