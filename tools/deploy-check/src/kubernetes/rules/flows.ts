/** Compares the flows that the NetworkPolicies permit with those that Daybook needs. */
import { at, isRecord, items, type Json, numberAt, textAt } from '../json.ts';
import { type Manifest, ofKind, podLabelsOf, type Rule, selects, workloadsOf } from '../manifest.ts';

type Labels = Readonly<Record<string, string>>;

/** Pods of this namespace by their labels, or of another by its name. */
interface Endpoint {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Labels;
}

type Direction = 'ingress' | 'egress';

/** `UDP 53` */
type Port = string;

const NAMESPACE = 'daybook';
const NAMESPACE_NAME = 'kubernetes.io/metadata.name';

const policiesOf = (manifests: readonly Manifest[], endpoint: Endpoint, direction: Direction): readonly Manifest[] => {
  if (endpoint.namespace !== NAMESPACE) return [];
  const type = direction === 'ingress' ? 'Ingress' : 'Egress';
  return ofKind(manifests, 'NetworkPolicy').filter(
    ({ json }) =>
      items(at(json, 'spec', 'policyTypes')).includes(type) &&
      selects(at(json, 'spec', 'podSelector'), endpoint.labels),
  );
};

function isPeer(peer: Json, endpoint: Endpoint): boolean {
  // Addresses outside of the cluster match no known endpoint.
  if (at(peer, 'ipBlock') !== undefined) return false;
  const namespaces = at(peer, 'namespaceSelector');
  const pods = at(peer, 'podSelector');
  const isInNamespace = isRecord(namespaces)
    ? selects(namespaces, { [NAMESPACE_NAME]: endpoint.namespace })
    : endpoint.namespace === NAMESPACE;
  return isInNamespace && (pods === undefined || selects(pods, endpoint.labels));
}

/** Returns the ports on which this policy permits `other`; `any` for all of them. */
function portsThrough(policy: Manifest, other: Endpoint, direction: Direction): readonly Port[] {
  return items(at(policy.json, 'spec', direction)).flatMap((rule) => {
    const peers = items(at(rule, direction === 'ingress' ? 'from' : 'to'));
    if (peers.length > 0 && !peers.some((peer) => isPeer(peer, other))) return [];
    const ports = items(at(rule, 'ports'));
    return ports.length === 0
      ? ['any']
      : ports.map((port) => `${textAt(port, 'protocol') ?? 'TCP'} ${numberAt(port, 'port')}`);
  });
}

function portsOneWay(
  manifests: readonly Manifest[],
  one: Endpoint,
  other: Endpoint,
  direction: Direction,
): readonly Port[] {
  const policies = policiesOf(manifests, one, direction);
  return policies.length === 0 ? ['any'] : policies.flatMap((policy) => portsThrough(policy, other, direction));
}

function portsBetween(manifests: readonly Manifest[], from: Endpoint, to: Endpoint): readonly Port[] {
  const out = portsOneWay(manifests, from, to, 'egress');
  const into = portsOneWay(manifests, to, from, 'ingress');
  if (out.includes('any')) return [...new Set(into)];
  if (into.includes('any')) return [...new Set(out)];
  return [...new Set(out)].filter((port) => into.includes(port));
}

/** Returns `gateway-service > patient-service TCP 8080`, for every pair of our services and the named outside ones. */
export function flowsOf(manifests: readonly Manifest[], outside: readonly Endpoint[]): readonly string[] {
  const ours = workloadsOf(manifests).map((workload) => ({
    name: workload.name,
    namespace: NAMESPACE,
    labels: podLabelsOf(workload),
  }));
  const endpoints = [...ours, ...outside];
  const pairs = endpoints.flatMap((from) => endpoints.map((to) => [from, to] as const));
  return pairs
    .filter(([from, to]) => from !== to && !(outside.includes(from) && outside.includes(to)))
    .flatMap(([from, to]) => portsBetween(manifests, from, to).map((port) => `${from.name} > ${to.name} ${port}`));
}

const IDENTITY = 'identity-service';
const VERIFYING = ['patient-service', 'doctor-service', 'appointment-service', 'notification-service'];
const WITH_DATA = [IDENTITY, ...VERIFYING];
const SERVICES = ['gateway-service', ...WITH_DATA];

const toEach = (froms: readonly string[], tos: readonly string[], ...ports: readonly Port[]): readonly string[] =>
  froms.flatMap((from) => tos.flatMap((to) => ports.map((port) => `${from} > ${to} ${port}`)));

/** The flows in every overlay. */
const AMONG_SERVICES = [
  ...toEach(['gateway-service'], WITH_DATA, 'TCP 8080'),
  ...toEach(VERIFYING, [IDENTITY], 'TCP 8080'),
  ...toEach(['appointment-service'], ['patient-service', 'doctor-service'], 'TCP 8080'),
  ...toEach([IDENTITY], ['patient-service'], 'TCP 8080'),
];

const dns: Endpoint = { name: 'dns', namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } };
const anyPod: Endpoint = { name: 'anybody', namespace: 'elsewhere', labels: {} };
const inNamespace = (name: string): Endpoint => ({ name, namespace: name, labels: {} });

/** The flows when the engines run in the cluster, one of each. */
export const localFlows: Rule = flowsRule(
  [dns, anyPod],
  [
    ...AMONG_SERVICES,
    ...toEach(WITH_DATA, ['mysql'], 'TCP 3306'),
    ...toEach(WITH_DATA, ['rabbitmq'], 'TCP 5672'),
    ...toEach(SERVICES, ['eureka'], 'TCP 8761'),
    ...toEach([...SERVICES, 'mysql', 'rabbitmq', 'eureka'], ['dns'], 'UDP 53', 'TCP 53'),
  ],
);

/** Returns the rule for engines in their own namespaces. Requests enter from the namespace `entrance`. */
export const productionFlows = (entrance: string): Rule =>
  flowsRule(
    [dns, anyPod, ...[entrance, 'monitoring', 'mysql', 'rabbitmq', 'eureka'].map(inNamespace)],
    [
      ...AMONG_SERVICES,
      ...toEach([entrance], ['gateway-service'], 'TCP 8080'),
      ...toEach(['monitoring'], SERVICES, 'TCP 8081'),
      ...toEach(WITH_DATA, ['mysql'], 'TCP 3306', 'TCP 6446'),
      ...toEach(WITH_DATA, ['rabbitmq'], 'TCP 5672', 'TCP 5671'),
      ...toEach(SERVICES, ['eureka'], 'TCP 8761'),
      ...toEach(SERVICES, ['dns'], 'UDP 53', 'TCP 53'),
    ],
  );

function flowsRule(outside: readonly Endpoint[], needed: readonly string[]): Rule {
  return (manifests) => {
    const found = flowsOf(manifests, outside);
    return [
      ...needed.filter((flow) => !found.includes(flow)).map((flow) => `Needed and kept back: ${flow}`),
      ...found.filter((flow) => !needed.includes(flow)).map((flow) => `Not needed and let through: ${flow}`),
      ...defaultDenialFaults(manifests),
    ];
  };
}

/** Requires that pods without their own policy are isolated as well. */
function defaultDenialFaults(manifests: readonly Manifest[]): string[] {
  const unmatchedPod: Endpoint = { name: 'a stranger', namespace: NAMESPACE, labels: {} };
  const denies = (direction: Direction) => policiesOf(manifests, unmatchedPod, direction).length > 0;
  return denies('ingress') && denies('egress') ? [] : ['No policy isolates a pod that no other policy names'];
}
