/** Requires that every service verifies tokens with the configured root key, and that only identity has its private half. */
import { at, items, type Json, textAt } from '../json.ts';
import { containersOf, type Manifest, ofKind, podOf, type Rule, servicesOf, titleOf } from '../manifest.ts';

const IDENTITY = 'identity-service';
/** The services with a key, by which identity knows them. */
const CALLING = ['gateway-service', 'appointment-service', 'notification-service'];
const PUBLIC_KEY = 'DAYBOOK_IDENTITY_KEY';
const FILES_OF_IDENTITY = [
  'DAYBOOK_IDENTITY_ROOT_KEY_FILE',
  'DAYBOOK_SEALING_KEY_FILE',
  'DAYBOOK_IDENTITY_CLIENTS_FILE',
];
const SERVICE_KEY_FILE = 'DAYBOOK_SERVICE_KEY_FILE';

const variablesOf = (service: Manifest): readonly (string | undefined)[] =>
  containersOf(service).flatMap(({ json }) => items(at(json, 'env')).map((one) => textAt(one, 'name')));

/** Returns whether a container takes the public root key from a ConfigMap. */
const hasPublicKey = (manifests: readonly Manifest[], container: Json): boolean => {
  const names = items(at(container, 'envFrom')).map((one) => textAt(one, 'configMapRef', 'name'));
  return ofKind(manifests, 'ConfigMap').some(
    ({ name, json }) => names.includes(name) && textAt(json, 'data', PUBLIC_KEY) !== undefined,
  );
};

const secretsOf = (service: Manifest): readonly (string | undefined)[] =>
  items(at(podOf(service), 'volumes')).map((volume) => textAt(volume, 'secret', 'secretName'));

function faultsOf(service: Manifest, manifests: readonly Manifest[]): string[] {
  const variables = variablesOf(service);
  const isIdentity = service.name === IDENTITY;
  const needed = [
    ...(isIdentity ? FILES_OF_IDENTITY : []),
    ...(CALLING.includes(service.name) ? [SERVICE_KEY_FILE] : []),
  ];
  const known = [...FILES_OF_IDENTITY, SERVICE_KEY_FILE].filter((name) => variables.includes(name));
  const foreign = servicesOf(manifests)
    .filter(({ name }) => name !== service.name)
    .flatMap(secretsOf);
  return [
    ...(containersOf(service).every(({ json }) => hasPublicKey(manifests, json)) ? [] : [`takes no ${PUBLIC_KEY}`]),
    ...needed.filter((name) => !known.includes(name)).map((name) => `has no ${name}`),
    ...known.filter((name) => !needed.includes(name)).map((name) => `has ${name}, which is not for it`),
    ...secretsOf(service)
      .filter((name) => name !== undefined && foreign.includes(name))
      .map((name) => `shares the Secret ${name} with another service`),
  ];
}

export const identity: Rule = (manifests) => [
  ...servicesOf(manifests).flatMap((service) =>
    faultsOf(service, manifests).map((fault) => `${titleOf(service)} ${fault}`),
  ),
  ...(servicesOf(manifests).some(({ name }) => name === IDENTITY) ? [] : [`There is no Deployment ${IDENTITY}`]),
];
