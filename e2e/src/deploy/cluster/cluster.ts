/** Controls a real cluster through a program. */
import { execFile, spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';

const run = promisify(execFile);
const MOST_BYTES = 64 * 1024 * 1024;
const MINUTE = 60_000;
export const NAMESPACE = 'daybook';

/**
 * Returns the program. It accepts `up`, `load IMAGE…`, `kc ARGS…` (kubectl), `in COMMAND…` (in the cluster's network)
 * and `down`.
 */
export const clusterProgram = (): string => process.env.DAYBOOK_TEST_CLUSTER || 'k8slab';

/**
 * Runs the program.
 * @throws with its output when it fails
 */
export async function cluster(args: readonly string[], timeout = 15 * MINUTE): Promise<string> {
  return (await run(clusterProgram(), args, { timeout, maxBuffer: MOST_BYTES })).stdout;
}

export const kubectl = (...args: readonly string[]): Promise<string> =>
  cluster(['kc', '--namespace', NAMESPACE, ...args]);

/**
 * Runs kubectl with a document on its standard input.
 * @throws with its output when it fails
 */
export async function kubectlWith(input: string, ...args: readonly string[]): Promise<string> {
  const child = spawn(clusterProgram(), ['kc', '--namespace', NAMESPACE, ...args], {
    stdio: 'pipe',
    timeout: 5 * MINUTE,
  });
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  child.stdin.end(input);
  const [output, complaint, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${complaint.trim()}`);
  return output;
}

/** Returns the names that a template prints of each pod of a service, one a line. */
async function namesOf(service: string, template: string): Promise<readonly string[]> {
  const selector = `--selector=app.kubernetes.io/name=${service}`;
  const names = await kubectl('get', 'pods', selector, `--output=go-template={{range .items}}${template}{{end}}`);
  return names.split('\n').filter((name) => name !== '');
}

/** Returns the names of a service's pods that are not terminating. */
export const podsOf = (service: string): Promise<readonly string[]> =>
  namesOf(service, '{{if not .metadata.deletionTimestamp}}{{.metadata.name}}{{"\\n"}}{{end}}');

/** Includes terminating pods until they have ended, because some clusters take another minute to remove one. */
export const runningPodsOf = (service: string): Promise<readonly string[]> =>
  namesOf(
    service,
    '{{$name := .metadata.name}}{{range .status.containerStatuses}}{{if .state.running}}{{$name}}{{"\\n"}}{{end}}{{end}}',
  );

export const rolledOut = (kind: 'deployment' | 'statefulset', name: string): Promise<string> =>
  kubectl('rollout', 'status', `${kind}/${name}`, '--timeout=14m');

/** Returns whether the deployment has the wanted number of pods, all available. */
export async function isReady(deployment: string, pods: number): Promise<boolean> {
  const template = '{{.spec.replicas}} {{.status.availableReplicas}} {{.status.replicas}}';
  const counts = await kubectl('get', 'deployment', deployment, `--output=go-template=${template}`);
  return counts === `${pods} ${pods} ${pods}`;
}
