import { at, items, type Json, textAt } from '../json.ts';
import { type Container, containersOf, type Manifest, ofKind, type Rule, servicesOf } from '../manifest.ts';

const PROBES = ['startupProbe', 'livenessProbe', 'readinessProbe'] as const;
/** An unavailable database must not restart a service, because readiness covers it. */
const PATHS = { startupProbe: '/health/live', livenessProbe: '/health/live', readinessProbe: '/health/ready' } as const;

const portsOf = ({ json }: Container): readonly Json[] => items(at(json, 'ports'));

function faultsOf(container: Container): string[] {
  return PROBES.filter((probe) => at(container.json, probe) === undefined).map(
    (probe) => `${container.title} has no ${probe}`,
  );
}

function faultsOfService(container: Container): string[] {
  const names = portsOf(container).map((port) => textAt(port, 'name'));
  return PROBES.flatMap((probe) => {
    const get = at(container.json, probe, 'httpGet');
    if (textAt(get, 'path') !== PATHS[probe]) return [`${container.title}: ${probe} does not request ${PATHS[probe]}`];
    if (!names.includes(textAt(get, 'port')))
      return [`${container.title}: ${probe} requests a port that it does not have`];
    return [];
  });
}

const containers = (workloads: readonly Manifest[]) => workloads.flatMap(containersOf).filter(({ isInit }) => !isInit);

/** Requires three probes on everything that keeps running. Those of services use the services' own paths. */
export const health: Rule = (manifests) => [
  ...containers(ofKind(manifests, 'Deployment', 'StatefulSet')).flatMap(faultsOf),
  ...containers(servicesOf(manifests)).flatMap(faultsOfService),
];
