/** What is done to the system, and when: a deck of faults, shuffled and dealt again and again, all of it from the seed. */
import { randomNumbers } from '../random.ts';

/** The services whose clocks jump. Not notification: by its clock the order of its messages is judged. */
export const CLOCKS = ['patient', 'doctor', 'appointment'] as const;

/** A process of the system, by its name there, is ended as a power failure does. It is started again by the system itself. */
export interface Kill {
  readonly kind: 'kill';
  readonly target: string;
}
/** A server is ended and started again after a while. */
export interface ServerAway {
  readonly kind: 'server-killed' | 'server-restarted';
  readonly target: 'broker' | 'database' | 'registry';
}
/** What becomes of the bytes between two parts. */
export interface WireFault {
  readonly kind: 'cut' | 'away' | 'lose-answers' | 'delay' | 'garble';
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
export type Fault = Kill | ServerAway | WireFault | ClockJump | DiskFull;
export type FaultKind = Fault['kind'];

/** A fault in its place: both times in milliseconds, the first from the beginning of its round. */
export type PlannedFault = Fault & { readonly at: number; readonly lasts: number };

/** Less than the 24 hours for which answers are kept by their keys: beyond that a retry is a new call, by the rules. */
const JUMPS = [-7200, -600, -5, 5, 600, 7200];

const WIRES: readonly WireFault[] = [
  { kind: 'cut', target: 'database' },
  { kind: 'lose-answers', target: 'database' },
  { kind: 'delay', target: 'database' },
  { kind: 'garble', target: 'database' },
  { kind: 'away', target: 'database' },
  { kind: 'cut', target: 'broker' },
  { kind: 'lose-answers', target: 'broker' },
  { kind: 'delay', target: 'broker' },
  { kind: 'garble', target: 'broker' },
  { kind: 'away', target: 'registry' },
  { kind: 'garble', target: 'registry' },
  { kind: 'lose-answers', target: 'registry' },
  { kind: 'cut', target: 'gateway#1' },
  { kind: 'lose-answers', target: 'gateway#1' },
  { kind: 'garble', target: 'gateway#1' },
  { kind: 'lose-answers', target: 'patient#1' },
  { kind: 'garble', target: 'patient#2' },
  { kind: 'delay', target: 'doctor#1' },
  { kind: 'away', target: 'doctor#2' },
  { kind: 'lose-answers', target: 'appointment#1' },
  { kind: 'cut', target: 'appointment#2' },
  { kind: 'garble', target: 'appointment#1' },
  { kind: 'delay', target: 'appointment#2' },
];

const KILLED = [
  'gateway#1',
  'patient#1',
  'doctor#2',
  'appointment#1',
  'appointment#2',
  'notification#1',
  'notification#2',
];

const SERVERS: readonly ServerAway[] = [
  { kind: 'server-killed', target: 'broker' },
  { kind: 'server-restarted', target: 'broker' },
  { kind: 'server-killed', target: 'database' },
  { kind: 'server-killed', target: 'registry' },
];

/** Everything that this machine can do. */
export const deckOf = (can: { readonly jumpClocks: boolean; readonly fillDisks: boolean }): Fault[] => [
  ...KILLED.map((target): Fault => ({ kind: 'kill', target })),
  ...SERVERS,
  ...WIRES,
  ...(can.jumpClocks ? CLOCKS.map((target): Fault => ({ kind: 'clock-jump', target, seconds: 0 })) : []),
  ...(can.fillDisks ? [{ kind: 'disk-full', target: 'database' } as const] : []),
];

/** From and to, in milliseconds. */
const LASTS: Readonly<Record<FaultKind, readonly [number, number]>> = {
  kill: [0, 0],
  'server-killed': [500, 4000],
  'server-restarted': [500, 3000],
  cut: [0, 0],
  away: [1000, 5000],
  'lose-answers': [300, 1500],
  delay: [2000, 5000],
  garble: [0, 0],
  'clock-jump': [3000, 8000],
  'disk-full': [2000, 5000],
};

export interface PlanOptions {
  readonly seed: number;
  readonly deck: readonly Fault[];
  readonly roundMillis: number;
  /** Between the beginnings of two faults, on the average. */
  readonly gapMillis: number;
}

/** Gives the faults of one round after the other. */
export function createPlan({ seed, deck, roundMillis, gapMillis }: PlanOptions): () => PlannedFault[] {
  const random = randomNumbers(seed);
  let left: Fault[] = [];

  function deal(): Fault | undefined {
    if (left.length === 0) left = shuffled(deck, random);
    const fault = left.pop();
    if (fault?.kind !== 'clock-jump') return fault;
    return { ...fault, seconds: JUMPS[Math.floor(random() * JUMPS.length)] ?? 0 };
  }

  return () => {
    const planned: PlannedFault[] = [];
    for (let at = gapMillis * (0.5 + random()); at < roundMillis; at += gapMillis * (0.5 + random())) {
      const fault = deal();
      if (!fault) break;
      const [from, to] = LASTS[fault.kind];
      planned.push({ ...fault, at: Math.round(at), lasts: Math.round(from + (to - from) * random()) });
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

/** `delay database for 2.1 s` */
export function describeFault(fault: PlannedFault): string {
  const jump = fault.kind === 'clock-jump' ? ` by ${fault.seconds} s` : '';
  const lasts = fault.lasts > 0 ? ` for ${(fault.lasts / 1000).toFixed(1)} s` : '';
  return `${fault.kind} ${fault.target}${jump}${lasts}`;
}
