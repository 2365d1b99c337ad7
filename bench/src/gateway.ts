/**
 * The gateway alone: what a forwarded request costs beside nginx, what it adds to the time of a request, and what it does
 * with three times the load that the services behind it can carry. About 50 seconds.
 */
import { availableParallelism } from 'node:os';
import { temporaryFolder } from '@daybook/testing';
import { cpuSeconds, isNginxHere, type Load, load, startGateway, startNginx, startUpstream } from './gateway-system.ts';
import { percentile } from './load.ts';

const CONNECTIONS = 64;
const ROUNDS = 5;
/** Until the code that requests run through is compiled; before that a request costs up to half as much again. */
const WARM_UP_ROUNDS = 4;
const ROUND_SECONDS = 2;
const STEADY_RATE = 1_000;
const STEADY_SECONDS = 5;

type Line = (name: string, value: string) => void;

interface Door {
  readonly port: number;
  readonly pid: number;
}

async function perCpuSecond({ port, pid }: Door, options: Omit<Load, 'port'>): Promise<number> {
  const before = cpuSeconds(pid);
  const { answers } = await load({ port, ...options });
  return (answers['200'] ?? 0) / (cpuSeconds(pid) - before);
}

const median = (values: readonly number[]): number =>
  percentile(
    values.toSorted((a, b) => a - b),
    0.5,
  );

/** In turns, so that whatever else the machine does weighs on both alike. */
async function measureCost(gateway: Door, nginx: Door | undefined, line: Line): Promise<void> {
  const options = { connections: CONNECTIONS, seconds: ROUND_SECONDS };
  const [own, theirs]: [number[], number[]] = [[], []];
  for (let round = 0; round < WARM_UP_ROUNDS; round += 1) await load({ port: gateway.port, ...options });
  for (let round = 0; round < ROUNDS; round += 1) {
    own.push(await perCpuSecond(gateway, options));
    if (nginx) theirs.push(await perCpuSecond(nginx, options));
  }
  line('requests per CPU second, gateway', median(own).toFixed(0));
  if (!nginx) return line('the same of nginx', 'nginx is not installed: not measured');
  const ratios = own.map((value, round) => value / (theirs[round] ?? Number.NaN));
  const spread = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`;
  line(
    'the same of nginx',
    `${median(theirs).toFixed(0)}   the gateway is ${median(ratios).toFixed(2)} of it (${spread})`,
  );
}

async function measureLatency(gateway: Door, upstream: number, line: Line): Promise<void> {
  const options = { connections: CONNECTIONS, seconds: STEADY_SECONDS, rate: STEADY_RATE };
  const direct = (await load({ port: upstream, ...options })).answered;
  const through = (await load({ port: gateway.port, ...options })).answered;
  const added = (share: number) => `${(percentile(through, share) - percentile(direct, share)).toFixed(2)} ms`;
  line(`added at a steady ${STEADY_RATE} requests a second`, `p50 ${added(0.5)}   p99 ${added(0.99)}`);
}

/** Two services that work on 2 × 5 requests at a time, 10 ms on each: not quite 1,000 a second. */
async function measureOverload(line: Line): Promise<void> {
  await using folder = await temporaryFolder();
  await using one = await startUpstream(5, 10);
  await using other = await startUpstream(5, 10);
  await using gateway = await startGateway(folder.path, [one, other]);
  const port = Number(new URL(gateway.url).port);
  await load({ port, connections: 20, seconds: 2 });
  const best = await load({ port, connections: 40, seconds: 4 });
  const bestRate = (best.answers['200'] ?? 0) / best.seconds;
  const over = await load({ port, connections: 1_500, seconds: 6, rate: 3 * bestRate });
  const rate = (over.answers['200'] ?? 0) / over.seconds;
  line('best of two small services, through the gateway', `${bestRate.toFixed(0)}/s`);
  line(
    'at three times that',
    `${rate.toFixed(0)}/s answered (${(rate / bestRate).toFixed(2)}), p99 ${percentile(over.answered, 0.99).toFixed(0)} ms`,
  );
  const refused = Object.entries(over.answers).filter(([status]) => status !== '200');
  line(
    'refused then',
    `${refused.map(([status, count]) => `${count} × ${status}`).join(', ')}   p50 ${percentile(over.refused, 0.5).toFixed(1)} ms   p99 ${percentile(over.refused, 0.99).toFixed(1)} ms`,
  );
}

export async function measureGateway(line: Line): Promise<void> {
  line('processors, shared by gateway, services and load', String(availableParallelism()));
  {
    await using folder = await temporaryFolder();
    await using one = await startUpstream();
    await using other = await startUpstream();
    await using gateway = await startGateway(folder.path, [one, other]);
    await using nginx = isNginxHere() ? await startNginx(folder.path, [one, other]) : undefined;
    const door = { port: Number(new URL(gateway.url).port), pid: gateway.pid };
    await measureCost(door, nginx, line);
    await measureLatency(door, one.port, line);
  }
  await measureOverload(line);
}

if (import.meta.main) await measureGateway((name, value) => console.log(`${name.padEnd(58)}${value}`));
