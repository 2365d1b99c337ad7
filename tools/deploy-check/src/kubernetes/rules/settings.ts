import { at, isRecord, items, type Json, textAt, textsIn } from '../json.ts';
import { containersOf, type Manifest, ofKind, podOf, type Rule, titleOf, workloadsOf } from '../manifest.ts';

/** The suffix of kustomize. Changed content has another name, which causes a rolling update. */
const HASHED = /-[a-z0-9]{10}$/;

function configMapsOf(workload: Manifest): readonly string[] {
  const references: (Json | undefined)[] = items(at(podOf(workload), 'volumes')).map((one) => at(one, 'configMap'));
  for (const { json } of containersOf(workload)) {
    references.push(...items(at(json, 'envFrom')).map((one) => at(one, 'configMapRef')));
    references.push(...items(at(json, 'env')).map((one) => at(one, 'valueFrom', 'configMapKeyRef')));
  }
  return references.map((one) => textAt(one, 'name')).filter((name) => name !== undefined);
}

/** Requires settings in ConfigMaps whose names change with their content. */
export const settings: Rule = (manifests) => {
  const known = ofKind(manifests, 'ConfigMap').map(({ name }) => name);
  return workloadsOf(manifests).flatMap((workload) =>
    configMapsOf(workload).flatMap((name) => {
      if (!known.includes(name)) return [`${titleOf(workload)} names a ConfigMap that is not there (${name})`];
      return HASHED.test(name) ? [] : [`${titleOf(workload)} would not notice a change of ${name}`];
    }),
  );
};

/** Match `mysql://daybook:SECRET@host`, and the variables that hold such a URL or a password. */
const CREDENTIALS = /^[a-z][\w+.-]*:\/\/[^/@\s]*:[^/@\s]+@/i;
const SECRET_NAMES =
  /(PASS|PASSWORD|SECRET|TOKEN|DATABASE_URL|MYSQL_URL|AMQP_URL|EUREKA_URL|REGISTRY_USERS|ROOT_KEY|SEALING_KEY|SERVICE_KEY|IDENTITY_CLIENTS)$/;

function faultsOfVariable(variable: Json): string[] {
  const name = textAt(variable, 'name') ?? '';
  if (SECRET_NAMES.test(name) && !isRecord(at(variable, 'valueFrom', 'secretKeyRef')))
    return [`shows ${name}, a secret`];
  return [];
}

/** Requires that secrets are referenced and not written out. */
export const secrets: Rule = (manifests) => [
  ...manifests
    .filter(({ kind }) => kind !== 'Secret')
    .flatMap((manifest) =>
      [...textsIn(manifest.json)]
        .filter(([, text]) => CREDENTIALS.test(text))
        .map(([path]) => `${titleOf(manifest)} has credentials at ${path}`),
    ),
  ...workloadsOf(manifests)
    .flatMap(containersOf)
    .flatMap(({ title, json }) =>
      items(at(json, 'env'))
        .flatMap(faultsOfVariable)
        .map((fault) => `${title} ${fault}`),
    ),
];

/** Requires exact images, because a moving tag would change the program on some nodes. */
export const images: Rule = (manifests) =>
  workloadsOf(manifests)
    .flatMap(containersOf)
    .flatMap(({ title, json }) => {
      const image = textAt(json, 'image') ?? '';
      const isExact = /(:[\w][\w.-]*|@sha256:[0-9a-f]{64})$/.test(image) && !image.endsWith(':latest');
      return isExact ? [] : [`${title} does not name its image exactly (${image})`];
    });

/** Requires stable API versions, because alpha and beta versions are removed one day. */
export const versions: Rule = (manifests) =>
  manifests
    .filter(({ apiVersion }) => /alpha|beta/.test(apiVersion))
    .map((manifest) => `${titleOf(manifest)} is of ${manifest.apiVersion}, which is not stable`);
