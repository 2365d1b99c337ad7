/** Plans the faults and their times: a deck that is shuffled and dealt repeatedly, from the seed. */
import { randomNumbers } from '../support/random.ts';

/** The services whose clocks jump. The order of messages is checked by notification's clock, so it stays real. */
export const CLOCKS = ['patient', 'doctor', 'appointment'] as const;

/** Kills a process of the system as a power failure does. The system restarts it. */
export interface Kill {
  readonly kind: 'kill';
  readonly target: string;
}
/** Stops a server and starts it again later. */
export interface ServerOutage {
  readonly kind: 'server-killed' | 'server-restarted';
  readonly target: 'broker' | 'database' | 'registry';
}
/** A fault of the network between two parts. */
export interface NetworkFault {
  readonly kind: 'disconnect' | 'outage' | 'drop-responses' | 'delay' | 'corrupt';
  readonly target: string;
}
export interface ClockJump {
  readonly kind: 'clock-jump';
  readonly target: (typeof CLOCKS)[number];
  readonly seconds: number;
}
export interface DiskFull {
  readonly kind: 'disk-full';
  readonly target: 'database';
}
export type Fault = Kill | ServerOutage | NetworkFault | ClockJump | DiskFull;
export type FaultKind = Fault['kind'];

/** A scheduled fault: both times in milliseconds, the first from the start of its round. */
export type PlannedFault = Fault & { readonly at: number; readonly durationMillis: number };

/** Seconds below the 24 hours of stored responses. After these, a retry is a new call. */
const JUMPS = [-7200, -600, -5, 5, 600, 7200];

const NETWORK_FAULTS: readonly NetworkFault[] = [
  { kind: 'disconnect', target: 'database' },
  { kind: 'drop-responses', target: 'database' },
  { kind: 'delay', target: 'database' },
  { kind: 'corrupt', target: 'database' },
  { kind: 'outage', target: 'database' },
  { kind: 'disconnect', target: 'broker' },
  { kind: 'drop-responses', target: 'broker' },
  { kind: 'delay', target: 'broker' },
  { kind: 'corrupt', target: 'broker' },
  { kind: 'outage', target: 'registry' },
  { kind: 'corrupt', target: 'registry' },
  { kind: 'drop-responses', target: 'registry' },
  { kind: 'disconnect', target: 'gateway#1' },
  { kind: 'drop-responses', target: 'gateway#1' },
  { kind: 'corrupt', target: 'gateway#1' },
  { kind: 'drop-responses', target: 'identity#1' },
  { kind: 'corrupt', target: 'identity#2' },
  { kind: 'outage', target: 'identity#1' },
  { kind: 'drop-responses', target: 'patient#1' },
  { kind: 'corrupt', target: 'patient#2' },
  { kind: 'delay', target: 'doctor#1' },
  { kind: 'outage', target: 'doctor#2' },
  { kind: 'drop-responses', target: 'appointment#1' },
  { kind: 'disconnect', target: 'appointment#2' },
  { kind: 'corrupt', target: 'appointment#1' },
  { kind: 'delay', target: 'appointment#2' },
];

const KILLED = [
  'gateway#1',
  'identity#1',
  'identity#2',
  'patient#1',
  'doctor#2',
  'appointment#1',
  'appointment#2',
  'notification#1',
  'notification#2',
];

const SERVERS: readonly ServerOutage[] = [
  { kind: 'server-killed', target: 'broker' },
  { kind: 'server-restarted', target: 'broker' },
  { kind: 'server-killed', target: 'database' },
  { kind: 'server-killed', target: 'registry' },
];

/** Returns every fault that this machine supports. */
export const deckOf = (can: { readonly jumpClocks: boolean; readonly fillDisks: boolean }): Fault[] => [
  ...KILLED.map((target): Fault => ({ kind: 'kill', target })),
  ...SERVERS,
  ...NETWORK_FAULTS,
  ...(can.jumpClocks ? CLOCKS.map((target): Fault => ({ kind: 'clock-jump', target, seconds: 0 })) : []),
  ...(can.fillDisks ? [{ kind: 'disk-full', target: 'database' } as const] : []),
];

/** The shortest and the longest duration, in milliseconds. */
const DURATION_RANGES: Readonly<Record<FaultKind, readonly [number, number]>> = {
  kill: [0, 0],
  'server-killed': [500, 4000],
  'server-restarted': [500, 3000],
  disconnect: [0, 0],
  outage: [1000, 5000],
  'drop-responses': [300, 1500],
  delay: [2000, 5000],
  corrupt: [0, 0],
  'clock-jump': [3000, 8000],
  'disk-full': [2000, 5000],
};

export interface PlanOptions {
  readonly seed: number;
  readonly deck: readonly Fault[];
  readonly roundMillis: number;
  /** The average time between the starts of two faults. */
  readonly gapMillis: number;
}

/** Returns a function that plans the faults of the next round. */
export function createPlan({ seed, deck, roundMillis, gapMillis }: PlanOptions): () => PlannedFault[] {
  const random = randomNumbers(seed);
  let remaining: Fault[] = [];

  function deal(): Fault | undefined {
    if (remaining.length === 0) remaining = shuffled(deck, random);
    const fault = remaining.pop();
    if (fault?.kind !== 'clock-jump') return fault;
    return { ...fault, seconds: JUMPS[Math.floor(random() * JUMPS.length)] ?? 0 };
  }

  return () => {
    const planned: PlannedFault[] = [];
    for (let at = gapMillis * (0.5 + random()); at < roundMillis; at += gapMillis * (0.5 + random())) {
      const fault = deal();
      if (!fault) break;
      const [from, to] = DURATION_RANGES[fault.kind];
      planned.push({ ...fault, at: Math.round(at), durationMillis: Math.round(from + (to - from) * random()) });
    }
    return planned;
  };
}

function shuffled<Item>(items: readonly Item[], random: () => number): Item[] {
  return items
    .map((item) => ({ item, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}

/** Returns `delay database for 2.1 s`. */
export function describeFault(fault: PlannedFault): string {
  const jump = fault.kind === 'clock-jump' ? ` by ${fault.seconds} s` : '';
  const duration = fault.durationMillis > 0 ? ` for ${(fault.durationMillis / 1000).toFixed(1)} s` : '';
  return `${fault.kind} ${fault.target}${jump}${duration}`;
}
