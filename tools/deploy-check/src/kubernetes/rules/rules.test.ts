/** Checks that deploy/kubernetes follows the rules, and that each rule reports when a change breaks it. */
import { beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { isRecord, type Json } from '../json.ts';
import { type Manifest, manifestOf, parseManifests, titleOf } from '../manifest.ts';
import { renderer, renderFolder } from '../testing.ts';
import { localFlows, productionFlows, rules } from './index.ts';

const flows = { ...rules, flows: localFlows };
type RuleName = keyof typeof flows;

/** A change of one manifest: a path, and its new value; undefined removes it. */
type Change = readonly [path: readonly (string | number)[], value: Json | undefined];
const CONTAINER = ['spec', 'template', 'spec', 'containers', 0] as const;
const POD = ['spec', 'template', 'spec'] as const;

interface Broken {
  readonly rule: RuleName;
  readonly manifest: string;
  readonly change: Change;
  readonly fault: string;
}
const broken = (rule: RuleName, manifest: string, path: Change[0], value: Json | undefined, fault: string): Broken => ({
  rule,
  manifest,
  change: [path, value],
  fault,
});

const PATIENT = 'Deployment patient-service';
const GATEWAY = 'Deployment gateway-service';
const MYSQL = 'StatefulSet mysql';

const BROKEN: readonly Broken[] = [
  broken('health', PATIENT, [...CONTAINER, 'startupProbe'], undefined, 'no startupProbe'),
  broken(
    'health',
    PATIENT,
    [...CONTAINER, 'livenessProbe', 'httpGet', 'path'],
    '/health/ready',
    'livenessProbe does not request /health/live',
  ),
  broken(
    'health',
    GATEWAY,
    [...CONTAINER, 'readinessProbe', 'httpGet', 'path'],
    '/health',
    'readinessProbe does not request /health/ready',
  ),
  broken('health', PATIENT, [...CONTAINER, 'ports', 0, 'name'], 'web', 'requests a port that it does not have'),
  broken('health', MYSQL, [...CONTAINER, 'readinessProbe'], undefined, 'no readinessProbe'),
  broken(
    'operations',
    PATIENT,
    [...CONTAINER, 'ports', 1],
    { name: 'http', containerPort: 8081 },
    'no port operations',
  ),
  broken(
    'operations',
    PATIENT,
    [...CONTAINER, 'ports', 1, 'containerPort'],
    8082,
    'not take DAYBOOK_OPERATIONS_PORT=8082',
  ),
  broken('operations', 'Service gateway-service', ['spec', 'ports', 0, 'targetPort'], 'operations', 'leads to a port'),
  broken('operations', 'Service gateway-service', ['spec', 'ports', 0, 'targetPort'], 8081, 'leads to a port'),
  broken('resources', PATIENT, [...CONTAINER, 'resources', 'limits', 'memory'], undefined, 'no limit of memory'),
  broken('resources', MYSQL, [...CONTAINER, 'resources', 'requests', 'cpu'], undefined, 'no limit of cpu'),
  broken(
    'resources',
    PATIENT,
    [...CONTAINER, 'resources', 'requests', 'memory'],
    '1Gi',
    'requests more memory than its limit',
  ),
  broken(
    'spread',
    PATIENT,
    [...POD, 'topologySpreadConstraints', 0, 'topologyKey'],
    'rack',
    'not spread over topology.kubernetes.io/zone',
  ),
  broken(
    'spread',
    PATIENT,
    [...POD, 'topologySpreadConstraints', 1, 'labelSelector', 'matchLabels'],
    { 'app.kubernetes.io/part-of': 'daybook' },
    'not spread over kubernetes.io/hostname',
  ),
  broken('disruption', 'PodDisruptionBudget patient-service', ['spec', 'maxUnavailable'], 0, 'exactly one'),
  broken(
    'disruption',
    'PodDisruptionBudget patient-service',
    ['spec', 'selector', 'matchLabels'],
    { 'app.kubernetes.io/part-of': 'daybook' },
    '0 PodDisruptionBudgets',
  ),
  broken('disruption', 'PodDisruptionBudget patient-service', ['apiVersion'], 'policy/v1beta1', 'exactly one'),
  broken('scaling', 'HorizontalPodAutoscaler patient-service', ['spec', 'minReplicas'], 1, 'allows a single pod'),
  broken('scaling', 'HorizontalPodAutoscaler patient-service', ['spec', 'maxReplicas'], 2, 'does not scale'),
  broken(
    'scaling',
    'HorizontalPodAutoscaler patient-service',
    ['spec', 'scaleTargetRef', 'name'],
    'patient',
    '0 HorizontalPodAutoscalers',
  ),
  broken('scaling', 'HorizontalPodAutoscaler patient-service', ['apiVersion'], 'autoscaling/v1', 'autoscaling/v2'),
  broken('scaling', PATIENT, ['spec', 'replicas'], 2, 'sets the number of pods'),
  broken('draining', PATIENT, ['spec', 'strategy', 'rollingUpdate', 'maxUnavailable'], 1, 'fewer pods than it needs'),
  broken('draining', PATIENT, ['spec', 'strategy', 'rollingUpdate', 'maxSurge'], 0, 'no room for a new pod'),
  broken('draining', PATIENT, ['spec', 'strategy', 'type'], 'Recreate', 'not replaced step by step'),
  broken('draining', PATIENT, ['spec', 'minReadySeconds'], undefined, 'before callers know the new ones'),
  broken('draining', PATIENT, [...POD, 'terminationGracePeriodSeconds'], 20, 'is killed after 20 s'),
  broken('draining', GATEWAY, [...CONTAINER, 'lifecycle'], undefined, 'ends before its Service has forgotten it'),
  broken(
    'draining',
    GATEWAY,
    [...CONTAINER, 'lifecycle', 'preStop', 'exec', 'command'],
    ['sleep', '10'],
    'is killed after 30 s',
  ),
  broken(
    'draining',
    GATEWAY,
    [...CONTAINER, 'lifecycle', 'preStop', 'exec', 'command'],
    ['true'],
    'a preStop that is not a sleep',
  ),
  broken(
    'restricted',
    'Namespace daybook',
    ['metadata', 'labels', 'pod-security.kubernetes.io/enforce'],
    'baseline',
    'does not enforce',
  ),
  broken('restricted', PATIENT, [...POD, 'hostNetwork'], true, 'takes hostNetwork'),
  broken('restricted', PATIENT, [...POD, 'securityContext', 'runAsNonRoot'], undefined, 'may run as root'),
  broken('restricted', PATIENT, [...POD, 'securityContext', 'runAsUser'], 0, 'no user of its own'),
  broken(
    'restricted',
    PATIENT,
    [...POD, 'securityContext', 'seccompProfile', 'type'],
    'Unconfined',
    'no seccomp profile',
  ),
  broken('restricted', PATIENT, [...POD, 'automountServiceAccountToken'], undefined, 'token of its service account'),
  broken(
    'restricted',
    PATIENT,
    [...POD, 'volumes', 0],
    { name: 'tmp', hostPath: { path: '/tmp' } },
    'a volume that is not allowed',
  ),
  broken('restricted', PATIENT, [...CONTAINER, 'securityContext', 'privileged'], true, 'is privileged'),
  broken('restricted', PATIENT, [...CONTAINER, 'securityContext', 'allowPrivilegeEscalation'], undefined, 'escalate'),
  broken(
    'restricted',
    PATIENT,
    [...CONTAINER, 'securityContext', 'readOnlyRootFilesystem'],
    false,
    'write to its root file system',
  ),
  broken(
    'restricted',
    MYSQL,
    [...CONTAINER, 'securityContext', 'capabilities', 'drop'],
    ['CHOWN'],
    'keeps capabilities',
  ),
  broken(
    'restricted',
    MYSQL,
    [...CONTAINER, 'securityContext', 'capabilities', 'add'],
    ['SYS_NICE'],
    'takes capabilities',
  ),
  broken('restricted', MYSQL, [...CONTAINER, 'ports', 0, 'hostPort'], 3306, 'a port of the node'),
  broken('settings', PATIENT, [...CONTAINER, 'envFrom', 0, 'configMapRef', 'name'], 'settings', 'not there (settings)'),
  broken(
    'secrets',
    PATIENT,
    [...CONTAINER, 'env', 0],
    { name: 'DATABASE_URL', value: 'mysql://mysql/daybook_patient' },
    'a secret',
  ),
  broken(
    'secrets',
    PATIENT,
    [...CONTAINER, 'args'],
    ['mysql://patient:password@mysql/daybook_patient'],
    'has credentials at',
  ),
  broken('identity', PATIENT, [...CONTAINER, 'envFrom'], undefined, 'takes no DAYBOOK_IDENTITY_KEY'),
  broken('identity', 'Deployment identity-service', [...CONTAINER, 'env'], [], 'has no DAYBOOK_SEALING_KEY_FILE'),
  broken('identity', GATEWAY, [...CONTAINER, 'env'], [], 'has no DAYBOOK_SERVICE_KEY_FILE'),
  broken(
    'identity',
    PATIENT,
    [...CONTAINER, 'env', 0],
    { name: 'DAYBOOK_IDENTITY_ROOT_KEY_FILE', value: '/run/secrets/root-key' },
    'which is not for it',
  ),
  broken('identity', 'Deployment identity-service', ['metadata', 'name'], 'other-service', 'no Deployment identity'),
  broken(
    'secrets',
    PATIENT,
    [...CONTAINER, 'env', 0],
    { name: 'DAYBOOK_SERVICE_KEY', value: 'eyJrdHkiOiJFQyJ9' },
    'shows DAYBOOK_SERVICE_KEY, a secret',
  ),
  broken('versions', 'HorizontalPodAutoscaler patient-service', ['apiVersion'], 'autoscaling/v2beta2', 'not stable'),
  broken('images', PATIENT, [...CONTAINER, 'image'], 'daybook/patient', 'does not name its image'),
  broken('images', PATIENT, [...CONTAINER, 'image'], 'daybook/patient:latest', 'does not name its image'),
  broken('flows', 'NetworkPolicy nothing-else', ['spec', 'policyTypes'], ['Egress'], 'No policy isolates'),
  broken(
    'flows',
    'NetworkPolicy to-people-from-appointment',
    ['spec', 'ingress', 0, 'from'],
    undefined,
    'Not needed and let through: anybody > patient-service TCP 8080',
  ),
  broken(
    'flows',
    'NetworkPolicy from-appointment-to-people',
    ['spec', 'egress', 0, 'ports', 0, 'port'],
    80,
    'Needed and kept back: appointment-service > doctor-service TCP 8080',
  ),
  broken(
    'flows',
    'NetworkPolicy to-identity-from-services',
    ['spec', 'ingress', 0, 'from'],
    undefined,
    'Not needed and let through: anybody > identity-service TCP 8080',
  ),
  broken(
    'flows',
    'NetworkPolicy to-mysql',
    ['spec', 'egress', 0, 'to'],
    undefined,
    'let through: doctor-service > anybody TCP 3306',
  ),
];

/** Returns a copy with another value, or none, at a path. */
function changed(json: Json, [step, ...rest]: Change[0], value: Json | undefined): Json | undefined {
  if (step === undefined) return value;
  if (Array.isArray(json))
    return json.map((item, index) => (index === step ? (changed(item, rest, value) ?? null) : item));
  if (!isRecord(json)) throw new Error(`There is no ${step}.`);
  const there = changed(json[step] ?? {}, rest, value);
  const others = Object.entries(json).filter(([name]) => name !== step);
  return Object.fromEntries(there === undefined ? others : [...others, [step, there]]);
}

const withChange = (manifests: readonly Manifest[], { manifest, change: [path, value] }: Broken): readonly Manifest[] =>
  manifests.map((one) => (titleOf(one) === manifest ? manifestOf(changed(one.json, path, value) ?? null) : one));

describe.skipIf(!renderer)('the manifests', () => {
  let local: readonly Manifest[];
  let production: readonly Manifest[];

  beforeAll(async () => {
    [local, production] = await Promise.all([renderFolder('overlays/local'), renderFolder('overlays/production')]);
  }, 120_000);

  it.each(Object.entries(rules))('keep the rule of %s in every overlay', (_, rule) => {
    expect(rule(local)).toEqual([]);
    expect(rule(production)).toEqual([]);
  });

  it('let through what has to get through, and nothing else', () => {
    expect(localFlows(local)).toEqual([]);
    expect(productionFlows('ingress-nginx')(production)).toEqual([]);
  });

  it('hold no Secret where the passwords are not for trying it out', () => {
    expect(production.filter(({ kind }) => kind === 'Secret')).toEqual([]);
  });

  it.each(BROKEN.map((one) => [one.rule, one.manifest, one.change[0].join('.'), one] as const))(
    'are found to break the rule of %s when %s has another %s',
    (rule, _manifest, _path, one) => {
      const copy = withChange(local, one);
      expect(copy, 'nothing was changed').not.toEqual(local);
      expect(flows[rule](copy).join('\n')).toContain(one.fault);
    },
  );

  it('are found to break the rule of settings when a ConfigMap keeps its name whatever is in it', () => {
    const text = production.map(({ json }) => stringify(json, { aliasDuplicateObjects: false })).join('---\n');
    const unhashed = parseManifests(text.replaceAll(/\bsettings-[a-z0-9]{10}\b/g, 'settings'));
    expect(rules.settings(unhashed).join('\n')).toContain('would not notice a change of settings');
  });
});
