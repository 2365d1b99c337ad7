/** Parses the responses and events of a registry: lists, deltas and single changes. */
import { isObject, type ListedInstance, readListed } from './listed-instance.ts';

export interface Change {
  readonly action: 'put' | 'delete';
  readonly listed: ListedInstance;
}

/** The whole list. */
export interface Snapshot {
  /** The registry's count of instances per status; undefined when it is missing. */
  readonly hash: string | undefined;
  readonly listed: readonly ListedInstance[];
  /** The number of instances that cannot be identified. */
  readonly nameless: number;
}

/** Recent changes, in order. */
export interface Delta {
  /** The hash of the whole list after these changes. */
  readonly hash: string;
  readonly changes: readonly Change[];
}

/** One change, reported when it happened. */
export interface StreamedChange {
  readonly hash: string;
  readonly change: Change;
}

/** The most instances that are read: twice the limit of Daybook's registry. */
export const MAX_INSTANCES = 20_000;
/** The longest real hash has a count for each of five statuses. */
const MAX_HASH_LENGTH = 1_000;

/** Returns whether a document is a list of applications. */
export const isList = (document: unknown): boolean => applicationsIn(document) !== undefined;

/**
 * Parses a list.
 * @throws Error when the document is not a list
 */
export function readSnapshot(document: unknown): Snapshot {
  const applications = applicationsIn(document);
  if (!applications) throw new Error('The registry did not return a list of applications.');
  const entries = [...entriesOf(applications).take(MAX_INSTANCES)];
  const listed = entries.map(({ entry, name }) => readListed(entry, name)).filter((read) => read !== undefined);
  return { hash: readHash(applications.apps__hashcode), listed, nameless: entries.length - listed.length };
}

/**
 * Parses a delta; undefined when the document is not one. Unreadable entries are skipped, and the hash then reveals the
 * gap.
 */
export function readDelta(document: unknown): Delta | undefined {
  const applications = applicationsIn(document);
  const hash = readHash(applications?.apps__hashcode);
  if (!applications || hash === undefined) return undefined;
  const changes = entriesOf(applications)
    .take(MAX_INSTANCES)
    .map(({ entry, name }) => readChange(isObject(entry) ? entry.actionType : undefined, entry, name))
    .filter((change) => change !== undefined);
  return { hash, changes: [...changes] };
}

/** Parses one `change` event of Daybook's registry; undefined when it is malformed. */
export function readStreamedChange(data: string): StreamedChange | undefined {
  const document = parse(data);
  if (!isObject(document)) return undefined;
  const hash = readHash(document.hash);
  const change = readChange(document.action, document.instance, undefined);
  return hash === undefined || change === undefined ? undefined : { hash, change };
}

function readChange(action: unknown, entry: unknown, application: unknown): Change | undefined {
  if (action !== 'ADDED' && action !== 'MODIFIED' && action !== 'DELETED') return undefined;
  const listed = readListed(entry, application);
  return listed && { action: action === 'DELETED' ? 'delete' : 'put', listed };
}

const readHash = (hash: unknown): string | undefined =>
  typeof hash === 'string' && hash.length <= MAX_HASH_LENGTH ? hash : undefined;

function applicationsIn(document: unknown): Readonly<Record<string, unknown>> | undefined {
  const applications = isObject(document) ? document.applications : undefined;
  return isObject(applications) ? applications : undefined;
}

function* entriesOf(applications: Readonly<Record<string, unknown>>) {
  for (const application of toArray(applications.application)) {
    if (!isObject(application)) yield { entry: undefined, name: undefined };
    else for (const entry of toArray(application.instance)) yield { entry, name: application.name };
  }
}

/** Returns an array. Java's codecs write a single element as an object, and several as an array. */
const toArray = (value: unknown): readonly unknown[] => {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
};

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
