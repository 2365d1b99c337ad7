/**
 * Requires the restricted pod security standard of Kubernetes, and two rules more.
 * The root file system is read-only, and pods have no service account token.
 */
import { at, isRecord, items, type Json, numberAt, textAt, textsAt } from '../json.ts';
import {
  type Container,
  containersOf,
  type Manifest,
  ofKind,
  podOf,
  type Rule,
  titleOf,
  workloadsOf,
} from '../manifest.ts';

const VOLUMES = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
];
const SECCOMP = ['RuntimeDefault', 'Localhost'];

function faultsOfPod(pod: Json | undefined): string[] {
  const faults: string[] = [];
  for (const one of ['hostNetwork', 'hostPID', 'hostIPC']) if (at(pod, one) === true) faults.push(`takes ${one}`);
  if (at(pod, 'securityContext', 'runAsNonRoot') !== true) faults.push('may run as root');
  if (!SECCOMP.includes(textAt(pod, 'securityContext', 'seccompProfile', 'type') ?? ''))
    faults.push('has no seccomp profile');
  if (items(at(pod, 'securityContext', 'sysctls')).length > 0) faults.push('changes the kernel');
  if (at(pod, 'automountServiceAccountToken') !== false) faults.push('gets a token of its service account');
  for (const volume of items(at(pod, 'volumes'))) {
    const kinds = isRecord(volume) ? Object.keys(volume).filter((key) => key !== 'name') : [];
    if (kinds.length !== 1 || !kinds.every((kind) => VOLUMES.includes(kind))) {
      faults.push(`has a volume that is not allowed (${textAt(volume, 'name')})`);
    }
  }
  return faults;
}

function faultsOfContainer({ title, json }: Container, pod: Json | undefined): string[] {
  const context = at(json, 'securityContext');
  const faults: string[] = [];
  const addFault = (fault: string) => faults.push(`${title} ${fault}`);
  if (at(context, 'privileged') === true) addFault('is privileged');
  if (at(context, 'allowPrivilegeEscalation') !== false) addFault('may escalate its privileges');
  if (at(context, 'readOnlyRootFilesystem') !== true) addFault('may write to its root file system');
  if (!items(at(context, 'capabilities', 'drop')).includes('ALL')) addFault('keeps capabilities');
  if (items(at(context, 'capabilities', 'add')).some((one) => one !== 'NET_BIND_SERVICE'))
    addFault('takes capabilities');
  if (at(context, 'runAsNonRoot') === false) addFault('may run as root');
  if (at(context, 'procMount') !== undefined) addFault('has another /proc');
  const user = numberAt(context, 'runAsUser') ?? numberAt(pod, 'securityContext', 'runAsUser');
  if (user === undefined || user === 0) addFault('has no user of its own');
  if (items(at(json, 'ports')).some((port) => at(port, 'hostPort') !== undefined)) addFault('takes a port of the node');
  return faults;
}

function faultsOfNamespace(namespace: Manifest): string[] {
  const labels = textsAt(namespace.json, 'metadata', 'labels');
  return labels['pod-security.kubernetes.io/enforce'] === 'restricted'
    ? []
    : [`${titleOf(namespace)} does not enforce it`];
}

export const restricted: Rule = (manifests) => [
  ...ofKind(manifests, 'Namespace').flatMap(faultsOfNamespace),
  ...(ofKind(manifests, 'Namespace').length === 0 ? ['There is no Namespace'] : []),
  ...workloadsOf(manifests).flatMap((workload) => {
    const pod = podOf(workload);
    return [
      ...faultsOfPod(pod).map((fault) => `${titleOf(workload)} ${fault}`),
      ...containersOf(workload).flatMap((container) => faultsOfContainer(container, pod)),
    ];
  }),
];
