/**
 * Measures the gateway alone, in about two minutes.
 * It compares the cost of a forwarded request with nginx and Spring Cloud Gateway.
 * It also measures the added latency, and the behavior under three times the capacity of the services.
 * Spring's warm-up takes one of these minutes. The first run takes longer, because Maven builds Spring's gateway.
 */
import { availableParallelism } from 'node:os';
import { temporaryFolder } from '@daybook/testing';
import { javaIsMissing } from '@daybook/testing/java';
import { median, percentile } from '../load.ts';
import { cpuSeconds } from '../processes.ts';
import {
  type GatewayProcess,
  isNginxInstalled,
  load,
  startGateway,
  startNginx,
  startSpring,
  startUpstream,
  type Upstream,
} from './testbed.ts';

const CONNECTIONS = 64;
const ROUNDS = 5;
/** Rounds until the code of a request is compiled. Before that, a request costs up to half as much again. */
const WARM_UP_ROUNDS = 4;
const ROUND_SECONDS = 2;
const SPRING_WARM_UP_ROUNDS = 30;
const SPRING_MOST_ROUNDS = 75;
const STILL_RISING = 1.03;
/** The share of warm-up rounds in the report. */
const SPRING_REPORT_EVERY = 5;
const STEADY_RATE = 1_000;
const STEADY_SECONDS = 5;

type Line = (name: string, value: string) => void;

/** A gateway under load, and the header of each request. */
interface Target extends GatewayProcess {
  readonly authorization: string;
}

/** Another gateway to compare with. */
interface Baseline extends Target {
  readonly name: string;
  /** The target ratio of requests that the gateway forwards, compared with this one. */
  readonly aim: number;
}

async function perCpuSecond({ port, pid, authorization }: Target): Promise<number> {
  const before = cpuSeconds(pid);
  const { countsByStatus } = await load({ port, authorization, connections: CONNECTIONS, seconds: ROUND_SECONDS });
  const { 200: successes = 0, ...others } = countsByStatus;
  if (Object.keys(others).length > 0) throw new Error(`the benchmark got ${JSON.stringify(countsByStatus)}`);
  return successes / (cpuSeconds(pid) - before);
}

async function warmUp(proxy: Target, rounds: number): Promise<number[]> {
  const each: number[] = [];
  for (let round = 0; round < rounds; round += 1) each.push(await perCpuSecond(proxy));
  return each;
}

/** Alternates between both, so that other load on the machine affects them equally. */
async function measureCost(gateway: Target, baseline: Baseline, line: Line): Promise<void> {
  const [own, theirs]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    own.push(await perCpuSecond(gateway));
    theirs.push(await perCpuSecond(baseline));
  }
  const ratios = own.map((value, round) => value / (theirs[round] ?? Number.NaN));
  const spread = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`;
  line(`requests per CPU second beside ${baseline.name}`, median(own).toFixed(0));
  line(
    `the same of ${baseline.name}`,
    `${median(theirs).toFixed(0)}   the gateway is ${median(ratios).toFixed(2)} of it (${spread}; aim ${baseline.aim})`,
  );
}

async function measureBesideNginx(folder: string, upstreams: readonly Upstream[], gateway: Target, line: Line) {
  await warmUp(gateway, WARM_UP_ROUNDS);
  if (!isNginxInstalled()) {
    console.warn('SKIPPED: gateway compared with nginx. nginx is not installed: apt-get install nginx.');
    return line('requests per CPU second, gateway', median(await warmUp(gateway, ROUNDS)).toFixed(0));
  }
  await using nginx = await startNginx(folder, upstreams);
  await measureCost(gateway, { ...gateway, ...nginx, name: 'nginx', aim: 0.6 }, line);
}

/** Warms up until the rate stops rising, because Java compiles frequent code while it runs. */
async function warmSpring(spring: Target): Promise<number[]> {
  const each = await warmUp(spring, SPRING_WARM_UP_ROUNDS);
  const isRising = () => median(each.slice(-ROUNDS)) > STILL_RISING * median(each.slice(-2 * ROUNDS, -ROUNDS));
  while (isRising() && each.length < SPRING_MOST_ROUNDS) each.push(...(await warmUp(spring, ROUNDS)));
  return each;
}

async function measureBesideSpring(upstreams: readonly Upstream[], gateway: Target, line: Line): Promise<void> {
  if (javaIsMissing('Spring Cloud Gateway beside ours')) return;
  await using spring = await startSpring(upstreams);
  const warming = await warmSpring({ ...gateway, ...spring });
  const reported = warming.filter((_, round) => round % SPRING_REPORT_EVERY === 0).map((value) => value.toFixed(0));
  line(`Spring Cloud Gateway warms up for ${warming.length * ROUND_SECONDS} s`, `${reported.join(', ')} on the way`);
  await measureCost(gateway, { ...gateway, ...spring, name: 'Spring Cloud Gateway', aim: 1.5 }, line);
}

async function measureLatency(gateway: Target, upstream: number, line: Line): Promise<void> {
  const options = {
    authorization: gateway.authorization,
    connections: CONNECTIONS,
    seconds: STEADY_SECONDS,
    rate: STEADY_RATE,
  };
  const direct = (await load({ port: upstream, ...options })).successMillis;
  const through = (await load({ port: gateway.port, ...options })).successMillis;
  const added = (share: number) => `${(percentile(through, share) - percentile(direct, share)).toFixed(2)} ms`;
  line(`added at a steady ${STEADY_RATE} requests a second`, `p50 ${added(0.5)}   p99 ${added(0.99)}`);
}

/** Measures two services with a capacity of 2 × 5 requests of 10 ms: nearly 1,000 a second. */
async function measureOverload(line: Line): Promise<void> {
  await using folder = await temporaryFolder();
  await using one = await startUpstream(5, 10);
  await using other = await startUpstream(5, 10);
  await using gateway = await startGateway(folder.path, [one, other]);
  const target = { port: Number(new URL(gateway.url).port), authorization: gateway.authorization };
  await load({ ...target, connections: 20, seconds: 2 });
  const best = await load({ ...target, connections: 40, seconds: 4 });
  const bestRate = (best.countsByStatus['200'] ?? 0) / best.seconds;
  const over = await load({ ...target, connections: 1_500, seconds: 6, rate: 3 * bestRate });
  const rate = (over.countsByStatus['200'] ?? 0) / over.seconds;
  line('best of two small services, through the gateway', `${bestRate.toFixed(0)}/s`);
  line(
    'at three times that',
    `${rate.toFixed(0)}/s successful (${(rate / bestRate).toFixed(2)}), p99 ${percentile(over.successMillis, 0.99).toFixed(0)} ms`,
  );
  const rejected = Object.entries(over.countsByStatus).filter(([status]) => status !== '200');
  line(
    'rejected then',
    `${rejected.map(([status, count]) => `${count} × ${status}`).join(', ')}   p50 ${percentile(over.rejectedMillis, 0.5).toFixed(1)} ms   p99 ${percentile(over.rejectedMillis, 0.99).toFixed(1)} ms`,
  );
}

export async function measureGateway(line: Line): Promise<void> {
  line('processors, shared by gateway, services and load', String(availableParallelism()));
  {
    await using folder = await temporaryFolder();
    await using one = await startUpstream();
    await using other = await startUpstream();
    await using gateway = await startGateway(folder.path, [one, other]);
    const { pid, authorization } = gateway;
    const proxy = { port: Number(new URL(gateway.url).port), pid, authorization };
    await measureBesideNginx(folder.path, [one, other], proxy, line);
    await measureBesideSpring([one, other], proxy, line);
    await measureLatency(proxy, one.port, line);
  }
  await measureOverload(line);
}

if (import.meta.main) await measureGateway((name, value) => console.log(`${name.padEnd(58)}${value}`));
