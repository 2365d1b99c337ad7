/** What a registry answers and tells: lists, deltas and single changes. */
import { isObject, type ListedInstance, readListed } from './listed-instance.ts';

export interface Change {
  readonly action: 'put' | 'delete';
  readonly listed: ListedInstance;
}

/** The whole list. */
export interface Snapshot {
  /** How many of each status there are, as the registry counts; undefined when it does not say. */
  readonly hash: string | undefined;
  readonly listed: readonly ListedInstance[];
  /** How many of which cannot be said which instance they are. */
  readonly nameless: number;
}

/** What changed lately, in order. */
export interface Delta {
  /** Of the whole list, with these changes. */
  readonly hash: string;
  readonly changes: readonly Change[];
}

/** One change, told when it happened. */
export interface StreamedChange {
  readonly hash: string;
  readonly change: Change;
}

/** No more are looked at: what a registry of ours can hold, twice. */
export const MAX_INSTANCES = 20_000;
/** The longest real one has a count for each of five statuses. */
const MAX_HASH_LENGTH = 1_000;

/** Whether it is a list of applications at all. */
export const isList = (document: unknown): boolean => applicationsIn(document) !== undefined;

/** A document that is no list throws. */
export function readSnapshot(document: unknown): Snapshot {
  const applications = applicationsIn(document);
  if (!applications) throw new Error('The registry did not answer with a list of applications.');
  const entries = [...entriesOf(applications).take(MAX_INSTANCES)];
  const listed = entries.map(({ entry, name }) => readListed(entry, name)).filter((read) => read !== undefined);
  return { hash: readHash(applications.apps__hashcode), listed, nameless: entries.length - listed.length };
}

/** Undefined when it is none. What cannot be read in it is left out: then the hash tells that something is missing. */
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

/** The data of one `change` event of our own registry's stream; undefined when it is none. */
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

/** What Java's codecs write as one object when there is one, and as an array when there are more. */
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
