import { CLOSE_DEADLINE_MILLIS } from '@daybook/service';
import { at, items, numberAt, textAt } from '../json.ts';
import {
  containersOf,
  type Manifest,
  ofKind,
  podLabelsOf,
  podOf,
  type Rule,
  selects,
  servicesOf,
  titleOf,
} from '../manifest.ts';

/** The time in which nodes and ingress controllers learn that a pod has left a Service. */
const ENDPOINT_UPDATE_SECONDS = 5;
/** Callers poll the registry every second: two polls, and time for requests in progress. */
const DISCOVERY_SECONDS = 5;
/** Time for the signal to arrive and the process to exit. */
const MARGIN_SECONDS = 3;

/** Returns the seconds of a `sleep` before the signal; undefined for another command. */
function preStopSecondsOf(service: Manifest): number | undefined {
  const [container] = containersOf(service);
  const preStop = at(container?.json, 'lifecycle', 'preStop');
  if (preStop === undefined) return 0;
  const [program, seconds] = items(at(preStop, 'exec', 'command'));
  return program === 'sleep' && typeof seconds === 'string' ? Number(seconds) : numberAt(preStop, 'sleep', 'seconds');
}

const isBehindService = (service: Manifest, manifests: readonly Manifest[]): boolean =>
  ofKind(manifests, 'Service').some(({ json }) => {
    const matchLabels = at(json, 'spec', 'selector');
    return matchLabels !== undefined && selects({ matchLabels }, podLabelsOf(service));
  });

function faultsOfRollout({ json }: Manifest): string[] {
  const strategy = at(json, 'spec', 'strategy');
  const faults: string[] = [];
  if (textAt(strategy, 'type') !== 'RollingUpdate') faults.push('is not replaced step by step');
  if (numberAt(strategy, 'rollingUpdate', 'maxUnavailable') !== 0)
    faults.push('has fewer pods than it needs while it is replaced');
  if ((numberAt(strategy, 'rollingUpdate', 'maxSurge') ?? 0) < 1)
    faults.push('has no room for a new pod while it is replaced');
  if ((numberAt(json, 'spec', 'minReadySeconds') ?? 0) < DISCOVERY_SECONDS) {
    faults.push(`ends old pods before callers know the new ones (minReadySeconds ${DISCOVERY_SECONDS})`);
  }
  return faults;
}

function faultsOfEnd(service: Manifest, manifests: readonly Manifest[]): string[] {
  const before = preStopSecondsOf(service);
  if (before === undefined || Number.isNaN(before)) return ['has a preStop that is not a sleep'];
  const faults: string[] = [];
  if (isBehindService(service, manifests) && before < ENDPOINT_UPDATE_SECONDS) {
    faults.push(`ends before its Service has forgotten it (preStop ${ENDPOINT_UPDATE_SECONDS} s)`);
  }
  const needed = before + CLOSE_DEADLINE_MILLIS / 1000 + MARGIN_SECONDS;
  const given = numberAt(podOf(service), 'terminationGracePeriodSeconds') ?? 30;
  if (given < needed) faults.push(`is killed after ${given} s, though it may take ${needed} s to end`);
  return faults;
}

/**
 * Requires that a service is replaced without a failed request.
 * It must match close() in packages/service/src/lifecycle/serve.ts.
 */
export const draining: Rule = (manifests) =>
  servicesOf(manifests).flatMap((service) =>
    [...faultsOfRollout(service), ...faultsOfEnd(service, manifests)].map((fault) => `${titleOf(service)} ${fault}`),
  );
