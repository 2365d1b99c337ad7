/** Checks, without changes, whether kubectl's cluster has what the manifests need. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { at, items, type Json, textAt, textsAt } from './json.ts';
import type { Manifest } from './manifest.ts';

const run = promisify(execFile);
const DEADLINE_MILLIS = 15_000;

/**
 * Runs kubectl.
 * @throws when it fails or times out
 */
async function kubectl(...args: readonly string[]): Promise<string> {
  return (await run('kubectl', [...args, '--request-timeout=10s'], { timeout: DEADLINE_MILLIS })).stdout;
}

/** Returns undefined when the value is unavailable. */
async function tryKubectl(...args: readonly string[]): Promise<string | undefined> {
  try {
    return await kubectl(...args);
  } catch {
    // The finding reports that the value is unavailable.
    return undefined;
  }
}

function findingOnKinds(known: string, manifests: readonly Manifest[]): string {
  const needed = new Set(manifests.map(({ apiVersion }) => apiVersion));
  const missing = [...needed.difference(new Set(known.split('\n')))];
  return missing.length === 0
    ? 'It knows every API that the manifests use.'
    : `It does not know ${missing.join(', ')}: it is too old, or lacks what brings them.`;
}

async function findingOnStorage(): Promise<string> {
  const output = await tryKubectl('get', 'storageclasses', '--output=json');
  if (output === undefined) return 'Its storage classes could not be read.';
  const classes: Json = JSON.parse(output);
  const byDefault = items(at(classes, 'items')).find(
    (one) => textsAt(one, 'metadata', 'annotations')['storageclass.kubernetes.io/is-default-class'] === 'true',
  );
  return byDefault
    ? `Volumes of overlays/local come from its storage class ${textAt(byDefault, 'metadata', 'name')}.`
    : 'It has no storage class by default: the volumes of overlays/local wait until an operator makes them.';
}

async function findingOnMetrics(): Promise<string> {
  return (await tryKubectl('get', '--raw', '/apis/metrics.k8s.io/v1beta1')) === undefined
    ? 'It has no metrics server: there will be as few pods as the HorizontalPodAutoscalers allow, whatever the work.'
    : 'It has a metrics server, so the HorizontalPodAutoscalers see the work.';
}

/** Returns the findings as text, one line each. */
export async function findingsOfCluster(manifests: readonly Manifest[]): Promise<readonly string[]> {
  const context = (await tryKubectl('config', 'current-context'))?.trim();
  if (!context) return ['kubectl knows no cluster here, so none was checked.'];
  const version = await tryKubectl('version', '--output=json');
  const known = await tryKubectl('api-versions');
  if (version === undefined || known === undefined)
    return [`The cluster ${context} does not respond, so nothing more was checked.`];
  const server = textAt(JSON.parse(version), 'serverVersion', 'gitVersion');
  return [
    `The cluster ${context} is Kubernetes ${server}.`,
    findingOnKinds(known, manifests),
    await findingOnStorage(),
    await findingOnMetrics(),
  ];
}
