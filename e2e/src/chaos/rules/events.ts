/** The rules that each change is published and handled, in order, and that nothing is left over. */
import { type FinalState, NOTIFIED_ACTIONS } from '../final-state.ts';
import type { Rule } from './rule.ts';

const changeKey = (subject: string, sequence: number, what: string) => `${subject} ${sequence} ${what}`;

const TYPE = /^daybook\.appointment\.(.+)\.v1$/;

export const eventsArePublished: Rule = {
  name: 'each change is published, and nothing else',
  findViolations({ history, recorded, patients }) {
    const changes = new Set(history.map((row) => changeKey(row.appointmentId, row.version, row.action)));
    const published = new Set<string>();
    const registered = new Set<string>();
    for (const { type, subject, sequence } of recorded) {
      const [, action] = TYPE.exec(type) ?? [];
      if (action !== undefined) published.add(changeKey(subject, sequence, action));
      if (type === 'daybook.patient.registered.v1') registered.add(subject);
    }
    return [
      ...[...changes].filter((key) => !published.has(key)).map((key) => `never published: ${key}`),
      ...[...published].filter((key) => !changes.has(key)).map((key) => `published, and never happened: ${key}`),
      ...patients.filter(({ id }) => !registered.has(id)).map(({ id }) => `never published: patient ${id}`),
    ];
  },
};

/**
 * Compares the first publication of each, because the broker may receive one again later. Records of calls have the time
 * of a process as their sequence, and all processes share their subjects, so they have no order.
 */
export const eventsInOrder: Rule = {
  name: 'the events of a subject are published in their order, each with one id',
  findViolations({ recorded }) {
    const newest = new Map<string, number>();
    const ids = new Map<string, string>();
    const ordered = recorded.filter(({ type }) => type !== 'daybook.audit.recorded.v1');
    return ordered.flatMap(({ id, subject, sequence, type }) => {
      const key = changeKey(subject, sequence, type);
      const known = ids.get(key);
      if (known !== undefined) return known === id ? [] : `${key} was published as ${known} and as ${id}`;
      ids.set(key, id);
      const before = newest.get(subject) ?? 0;
      newest.set(subject, Math.max(before, sequence));
      return sequence > before ? [] : `${key} came after ${before}`;
    });
  },
};

export const notifiedOnce: Rule = {
  name: 'each change has its message, once',
  findViolations({ history, messages }: FinalState) {
    const due = new Set(
      history
        .filter(({ action }) => NOTIFIED_ACTIONS.includes(action))
        .map((row) => changeKey(row.appointmentId, row.version, row.action)),
    );
    const sent = new Map<string, number>();
    for (const { appointmentId, sequence, kind } of messages) {
      const key = changeKey(appointmentId, sequence, kind);
      sent.set(key, (sent.get(key) ?? 0) + 1);
    }
    return [
      ...[...due].filter((key) => !sent.has(key)).map((key) => `message missing: ${key}`),
      ...[...sent].flatMap(([key, times]) => (times > 1 ? `sent ${times} times: ${key}` : [])),
      ...[...sent.keys()].filter((key) => !due.has(key)).map((key) => `sent, and never happened: ${key}`),
    ];
  },
};

/** Compares by the machine's clock, because the clocks of this service do not jump. */
export const notifiedInOrder: Rule = {
  name: 'the messages of an appointment were made in the order of its changes',
  findViolations({ messages }) {
    return [...Map.groupBy(messages, ({ appointmentId }) => appointmentId)].flatMap(([id, ofOne]) => {
      const inOrder = ofOne.toSorted((a, b) => a.sequence - b.sequence);
      return inOrder.flatMap(({ sequence, createdAt }, index) => {
        const next = inOrder[index + 1];
        return next && next.createdAt < createdAt ? `${id}: ${next.sequence} was sent before ${sequence}` : [];
      });
    });
  },
};

export const nothingRemains: Rule = {
  name: 'outboxes and queues are empty, and nothing is parked',
  findViolations: ({ remainingRows, queuedMessages }) =>
    [...remainingRows, ...queuedMessages].flatMap(([where, count]) => (count > 0 ? `${count} in ${where}` : [])),
};
