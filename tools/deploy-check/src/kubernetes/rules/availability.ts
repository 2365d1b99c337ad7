import { at, items, type Json, numberAt, textAt } from '../json.ts';
import { type Manifest, ofKind, podLabelsOf, podOf, type Rule, selects, servicesOf, titleOf } from '../manifest.ts';

const DOMAINS = ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'];

const onEachService =
  (faultsOf: (service: Manifest, manifests: readonly Manifest[]) => readonly string[]): Rule =>
  (manifests) =>
    servicesOf(manifests).flatMap((service) => faultsOf(service, manifests));

/** Requires the pods of a service to be spread over zones and nodes. */
export const spread = onEachService((service) => {
  const constraints = items(at(podOf(service), 'topologySpreadConstraints'));
  return DOMAINS.filter(
    (domain) =>
      !constraints.some(
        (one) => textAt(one, 'topologyKey') === domain && selectsOnly(at(one, 'labelSelector'), service),
      ),
  ).map((domain) => `${titleOf(service)} is not spread over ${domain}`);
});

/** Returns whether a selector matches the pods of this service only. */
function selectsOnly(selector: Json | undefined, service: Manifest): boolean {
  const labels = podLabelsOf(service);
  const { 'app.kubernetes.io/name': _, ...others } = labels;
  return selects(selector, labels) && !selects(selector, others);
}

/** Requires that draining nodes evicts one pod of a service at a time, and is never blocked. */
export const disruption = onEachService((service, manifests) => {
  const budgets = ofKind(manifests, 'PodDisruptionBudget').filter(({ json }) =>
    selectsOnly(at(json, 'spec', 'selector'), service),
  );
  const [budget] = budgets;
  if (!budget || budgets.length > 1) return [`${titleOf(service)} has ${budgets.length} PodDisruptionBudgets`];
  const { apiVersion, json } = budget;
  const isRight = apiVersion === 'policy/v1' && numberAt(json, 'spec', 'maxUnavailable') === 1;
  return isRight ? [] : [`${titleOf(budget)} does not allow exactly one pod to be away`];
});

/** Requires scaling to the load, with at least two pods. */
export const scaling = onEachService((service, manifests) => {
  const scalers = ofKind(manifests, 'HorizontalPodAutoscaler').filter(({ json }) => {
    const target = at(json, 'spec', 'scaleTargetRef');
    return textAt(target, 'kind') === 'Deployment' && textAt(target, 'name') === service.name;
  });
  const [scaler] = scalers;
  if (!scaler || scalers.length > 1) return [`${titleOf(service)} has ${scalers.length} HorizontalPodAutoscalers`];
  const faults: string[] = [];
  const least = numberAt(scaler.json, 'spec', 'minReplicas') ?? 1;
  const most = numberAt(scaler.json, 'spec', 'maxReplicas') ?? 0;
  if (scaler.apiVersion !== 'autoscaling/v2') faults.push(`${titleOf(scaler)} is not of autoscaling/v2`);
  if (least < 2) faults.push(`${titleOf(scaler)} allows a single pod`);
  if (most <= least) faults.push(`${titleOf(scaler)} does not scale`);
  if (at(service.json, 'spec', 'replicas') !== undefined) {
    faults.push(`${titleOf(service)} sets the number of pods, and so does its HorizontalPodAutoscaler`);
  }
  return faults;
});
