/** A queue that receives every event next to the consumers, and records their order and number. */
import { withDeadline } from '@daybook/async';
import { EVENT_EXCHANGE } from '@daybook/contracts';
import { withBroker } from '@daybook/testing/brokers';

const QUEUE = 'chaos.recorder';
const READ_TIMEOUT_MILLIS = 20_000;

export interface RecordedEvent {
  readonly id: string;
  readonly type: string;
  readonly subject: string;
  readonly sequence: number;
}

/** Declares the queue, before the first event. */
export const declareRecorder = (url: string): Promise<void> =>
  withBroker(url, async (connection) => {
    const channel = await connection.createChannel();
    await channel.assertExchange(EVENT_EXCHANGE, 'topic', { durable: true });
    await channel.assertQueue(QUEUE, { durable: true });
    await channel.bindQueue(QUEUE, EVENT_EXCHANGE, '#');
  });

/** Reads all events since the last call. */
export const readRecordedEvents = (url: string): Promise<RecordedEvent[]> =>
  withBroker(url, async (connection) => {
    const channel = await connection.createChannel();
    const { messageCount } = await channel.checkQueue(QUEUE);
    const events: RecordedEvent[] = [];
    if (messageCount === 0) return events;
    const all = Promise.withResolvers<void>();
    await channel.consume(
      QUEUE,
      (message) => {
        if (!message) return all.reject(new Error('the recorder queue is gone'));
        const { id, type, subject, sequence } = JSON.parse(message.content.toString('utf8'));
        events.push({ id, type, subject, sequence });
        if (events.length === messageCount) all.resolve();
      },
      { noAck: true },
    );
    await withDeadline(
      all.promise,
      READ_TIMEOUT_MILLIS,
      () => new Error('the recorder queue delivered fewer events than it holds'),
    );
    return events;
  });

/** Parses the output of `rabbitmqctl list_queues`, `name TAB messages`, without our own queue. */
export function readQueues(listed: string): Map<string, number> {
  const queues = new Map<string, number>();
  for (const line of listed.split('\n')) {
    const [name = '', messages = ''] = line.trim().split('\t');
    if (/^\d+$/.test(messages) && name !== QUEUE) queues.set(name, Number(messages));
  }
  return queues;
}
