/** Kubernetes objects as rendered, and the parts of them that rules read. */
import { parseAllDocuments } from 'yaml';
import { at, isRecord, items, type Json, textAt, textsAt } from './json.ts';

export interface Manifest {
  readonly kind: string;
  readonly apiVersion: string;
  readonly name: string;
  readonly json: Json;
}

/** A rule about all manifests of a rendering. It returns each fault as text. */
export type Rule = (manifests: readonly Manifest[]) => readonly string[];

/**
 * Converts a document to a manifest.
 * @throws when the document is not a Kubernetes object
 */
export function manifestOf(json: Json): Manifest {
  const [kind, apiVersion, name] = [textAt(json, 'kind'), textAt(json, 'apiVersion'), textAt(json, 'metadata', 'name')];
  if (kind === undefined || apiVersion === undefined || name === undefined) {
    throw new Error(`No kind, apiVersion or name: ${JSON.stringify(json).slice(0, 200)}`);
  }
  return { kind, apiVersion, name, json };
}

/**
 * Parses manifests.
 * @throws when the text is not YAML, or a document in it is not a Kubernetes object
 */
export function parseManifests(yaml: string): readonly Manifest[] {
  return parseAllDocuments(yaml).map((document) => {
    const [error] = document.errors;
    if (error) throw error;
    const json: Json = document.toJS();
    return manifestOf(json);
  });
}

export const ofKind = (manifests: readonly Manifest[], ...kinds: readonly string[]): readonly Manifest[] =>
  manifests.filter(({ kind }) => kinds.includes(kind));

export const titleOf = ({ kind, name }: Manifest): string => `${kind} ${name}`;

/** Returns the objects that run pods. */
export const workloadsOf = (manifests: readonly Manifest[]): readonly Manifest[] =>
  ofKind(manifests, 'Deployment', 'StatefulSet', 'DaemonSet', 'Job');

/** Returns Daybook's own services, which are stateless and scalable. */
export const servicesOf = (manifests: readonly Manifest[]): readonly Manifest[] => ofKind(manifests, 'Deployment');

export const podOf = (workload: Manifest): Json | undefined => at(workload.json, 'spec', 'template', 'spec');

export const podLabelsOf = (workload: Manifest): Readonly<Record<string, string>> =>
  textsAt(workload.json, 'spec', 'template', 'metadata', 'labels');

export interface Container {
  readonly title: string;
  readonly json: Json;
  /** Whether it ends before the others begin. */
  readonly isInit: boolean;
}

export const containersOf = (workload: Manifest): readonly Container[] =>
  ['initContainers', 'containers'].flatMap((list) =>
    items(at(podOf(workload), list)).map((json) => ({
      title: `${titleOf(workload)}, container ${textAt(json, 'name')}`,
      json,
      isInit: list === 'initContainers',
    })),
  );

/** Returns whether a LabelSelector matches. An empty one matches everything. */
export function selects(selector: Json | undefined, labels: Readonly<Record<string, string>>): boolean {
  if (!isRecord(selector)) return false;
  const equal = Object.entries(textsAt(selector, 'matchLabels')).every(([key, value]) => labels[key] === value);
  return equal && items(at(selector, 'matchExpressions')).every((one) => meets(one, labels));
}

function meets(expression: Json, labels: Readonly<Record<string, string>>): boolean {
  const value = labels[textAt(expression, 'key') ?? ''];
  const isOneOf = value !== undefined && items(at(expression, 'values')).includes(value);
  const operator = textAt(expression, 'operator');
  if (operator === 'In') return isOneOf;
  if (operator === 'NotIn') return !isOneOf;
  if (operator === 'Exists') return value !== undefined;
  if (operator === 'DoesNotExist') return value === undefined;
  throw new Error(`No operator of a label selector: ${operator}`);
}
