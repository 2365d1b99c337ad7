/**
 * Measures events over RabbitMQ: the latency from a commit to the consumer, and the speed of a backlog.
 * It uses real outboxes and inboxes on SQLite, and a temporary broker.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createConsumer, type Effect, startRelay } from '@daybook/messaging';
import { createRabbitBus, type RabbitBus } from '@daybook/messaging/rabbitmq';
import { createLogger } from '@daybook/service';
import { privateBrokers } from '@daybook/testing/private-broker';
import { type EffectTables, eventOf, openEffects, writeEvents } from './effects.ts';
import { percentile } from './load.ts';

const TYPE = 'daybook.patient.updated.v1';
const CONSUMER = 'bench';
const WARM_UP = 50;
const CHANGES = 500;
const PAUSE_MILLIS = 10;
/** `DAYBOOK_BENCH_BACKLOG=1000000` for a million, which takes some minutes. */
const BACKLOG = Number(process.env.DAYBOOK_BENCH_BACKLOG || 100_000);
const SUBJECTS = 2_000;
const IN_FLIGHT = 400;
/** A smaller number for outboxes, because each event passes two databases with a sync on every commit. */
const THROUGH_DATABASES = Math.min(BACKLOG, 10_000);
const ROWS_A_TRANSACTION = 500;
const SAMPLES = 10;

type Line = (name: string, value: string) => void;

const keepEffects: Effect<EffectTables> = async (transaction, events) => {
  const rows = events.map(({ id }) => ({ text: id }));
  await transaction.insertInto('effects').values(rows).execute();
};

const logger = createLogger({ level: 'warn' });
const megabytes = () => process.memoryUsage.rss() / 1e6;
const subjects = Array.from({ length: SUBJECTS }, () => randomUUID());
const subjectOf = (n: number): string => subjects[n % SUBJECTS] ?? '';

const busTo = (url: string): RabbitBus =>
  createRabbitBus({ url, name: 'bench', logger, consumers: new Map([[CONSUMER, [TYPE]]]) });

/** Measures single changes in sequence, as in a quiet hour. */
async function reportLatency(url: string, line: Line): Promise<void> {
  await using databases = await openEffects();
  const { publishing, consuming } = databases;
  await using stack = new AsyncDisposableStack();
  const bus = busTo(url);
  stack.defer(() => bus.close());
  let arrived = Promise.withResolvers<number>();
  const consumer = createConsumer<EffectTables>({
    name: CONSUMER,
    types: [TYPE],
    database: consuming,
    logger,
    inBatches: true,
    async effect(transaction, events) {
      arrived.resolve(performance.now());
      await keepEffects(transaction, events);
    },
  });
  const subscription = await bus.subscribe(consumer);
  stack.defer(() => subscription.close());
  await bus.untilUp();
  const relay = startRelay(publishing, bus, logger);
  stack.defer(() => relay.close());
  const durations: number[] = [];
  for (let n = 0; n < WARM_UP + CHANGES; n += 1) {
    arrived = Promise.withResolvers();
    await writeEvents(publishing, [[subjectOf(n), n + 1]]);
    const committedAt = performance.now();
    const millis = (await arrived.promise) - committedAt;
    if (n >= WARM_UP) durations.push(Math.max(0, millis));
    await sleep(PAUSE_MILLIS);
  }
  durations.sort((a, b) => a - b);
  const [p50, p99] = [percentile(durations, 0.5), percentile(durations, 0.99)];
  line('RabbitMQ: from commit to consumer', `p50 ${p50.toFixed(1)} ms   p99 ${p99.toFixed(1)} ms   (aims: 5, 25)`);
}

/** Waits for `count` to reach `total`. Returns the rate and the memory. */
async function watched(total: number, count: () => number | Promise<number>): Promise<string> {
  const startedAt = performance.now();
  const samples: number[] = [];
  for (let seen = 0; seen < total; seen = await count()) {
    if (seen >= (samples.length * total) / SAMPLES) samples.push(megabytes());
    await sleep(50);
  }
  const rate = total / ((performance.now() - startedAt) / 1000);
  const memory = `${samples[1]?.toFixed(0)} MB at a tenth, ${Math.max(...samples).toFixed(0)} MB at most`;
  return `${rate.toFixed(0)}/s   ${memory}`;
}

/** Measures a backlog in the queue, after the consumer was down. */
async function reportBacklog(url: string, line: Line): Promise<void> {
  const bus = busTo(url);
  try {
    let [next, published, handled] = [0, 0, 0];
    const publisher = async () => {
      while (next < BACKLOG) {
        const n = next;
        next += 1;
        await bus.publish(eventOf(subjectOf(n), Math.floor(n / SUBJECTS) + 1));
        published += 1;
      }
    };
    const publishing = Promise.all(Array.from({ length: IN_FLIGHT }, publisher));
    line(`RabbitMQ: ${BACKLOG} events published, each confirmed`, await watched(BACKLOG, () => published));
    await publishing;
    const subscription = await bus.subscribe({
      consumer: CONSUMER,
      types: [TYPE],
      handle: async () => {
        handled += 1;
      },
    });
    line(`RabbitMQ: ${BACKLOG} waiting events delivered`, await watched(BACKLOG, () => handled));
    await subscription.close();
  } finally {
    await bus.close();
  }
}

/** Measures a backlog in the outbox, after the broker was down. */
async function reportOutbox(url: string, line: Line): Promise<void> {
  await using databases = await openEffects();
  const { publishing, consuming } = databases;
  for (let n = 0; n < THROUGH_DATABASES; n += ROWS_A_TRANSACTION) {
    const rows = Array.from({ length: ROWS_A_TRANSACTION }, (_, row) => [subjectOf(n + row), n + row + 1] as const);
    await writeEvents(publishing, rows);
  }
  const bus = busTo(url);
  try {
    let handled = 0;
    const consumer = createConsumer<EffectTables>({
      name: CONSUMER,
      types: [TYPE],
      database: consuming,
      logger,
      inBatches: true,
      effect: keepEffects,
    });
    const relay = startRelay(publishing, bus, logger);
    const relayed = watched(THROUGH_DATABASES, async () => THROUGH_DATABASES - (await databases.due()));
    line(`RabbitMQ: ${THROUGH_DATABASES} events out of an outbox`, await relayed);
    await relay.close();
    const subscription = await bus.subscribe({
      ...consumer,
      async handle(event) {
        await consumer.handle(event);
        handled += 1;
      },
    });
    const effects = watched(THROUGH_DATABASES, () => handled);
    line(`RabbitMQ: ${THROUGH_DATABASES} of them into an inbox, with effects`, await effects);
    await subscription.close();
  } finally {
    await bus.close();
  }
}

export async function reportRabbit(line: Line): Promise<void> {
  const [kind] = await privateBrokers();
  if (!kind) return;
  await using broker = await kind.create();
  await reportLatency(broker.url, line);
  await reportOutbox(broker.url, line);
  await reportBacklog(broker.url, line);
}
