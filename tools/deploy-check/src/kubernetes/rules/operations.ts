import { at, items, numberAt, textAt } from '../json.ts';
import { containersOf, type Manifest, ofKind, type Rule, servicesOf, titleOf } from '../manifest.ts';

const NAME = 'operations';
const VARIABLE = 'DAYBOOK_OPERATIONS_PORT';

/** Returns the values of the variable in the ConfigMaps that a container takes whole. */
function settingsOf(
  manifests: readonly Manifest[],
  container: Parameters<typeof at>[0],
): readonly (string | undefined)[] {
  const names = items(at(container, 'envFrom')).map((one) => textAt(one, 'configMapRef', 'name'));
  return ofKind(manifests, 'ConfigMap')
    .filter(({ name }) => names.includes(name))
    .map(({ json }) => textAt(json, 'data', VARIABLE));
}

/** Requires a separate port for metrics, versions and routes on every service, to which no Service forwards. */
export const operations: Rule = (manifests) => {
  const ports = new Set<number>();
  const faults = servicesOf(manifests)
    .flatMap(containersOf)
    .flatMap(({ title, json }) => {
      const port = numberAt(
        items(at(json, 'ports')).find((one) => textAt(one, 'name') === NAME),
        'containerPort',
      );
      if (port === undefined) return [`${title} has no port ${NAME}`];
      ports.add(port);
      return settingsOf(manifests, json).includes(String(port)) ? [] : [`${title} does not take ${VARIABLE}=${port}`];
    });
  return [
    ...faults,
    ...ofKind(manifests, 'Service').flatMap((service) =>
      items(at(service.json, 'spec', 'ports'))
        .filter((one) => textAt(one, 'targetPort') === NAME || ports.has(numberAt(one, 'targetPort') ?? 0))
        .map(() => `${titleOf(service)} leads to a port for operators`),
    ),
  ];
};
