/** Formats lists of instances as Eureka's clients expect. */
import type { InstanceDocument } from './lease.ts';

/** How much of each instance a reader needs: all fields, or only those for dialing it. */
export type Extent = 'full' | 'compact';

/** Netflix's server omits the same fields (`MiniInstanceInfoMixIn`). */
const OMITTED_FROM_COMPACT = new Set([
  'appGroupName',
  'overriddenStatus',
  'countryId',
  'homePageUrl',
  'statusPageUrl',
  'healthCheckUrl',
  'secureHealthCheckUrl',
  'isCoordinatingDiscoveryServer',
  'lastDirtyTimestamp',
  'leaseInfo',
  'metadata',
]);
const AMAZON_METADATA_IN_COMPACT = new Set([
  'instance-id',
  'public-ipv4',
  'public-hostname',
  'local-ipv4',
  'availability-zone',
]);

const pickBy = <Value>(entries: Readonly<Record<string, Value>>, predicate: (name: string) => boolean) =>
  Object.fromEntries(Object.entries(entries).filter(([name]) => predicate(name)));

function compact(instance: InstanceDocument): Partial<InstanceDocument> {
  const rest: Partial<InstanceDocument> = pickBy(instance, (name) => !OMITTED_FROM_COMPACT.has(name));
  const { metadata } = instance.dataCenterInfo;
  if (!metadata) return rest;
  const dataCenterInfo = {
    ...instance.dataCenterInfo,
    metadata: pickBy(metadata, (name) => AMAZON_METADATA_IN_COMPACT.has(name)),
  };
  return { ...rest, dataCenterInfo };
}

export type ListedInstance = Partial<InstanceDocument>;

export interface Application {
  readonly name: string;
  readonly instance: readonly ListedInstance[];
}

export interface Applications {
  readonly versions__delta: string;
  readonly apps__hashcode: string;
  readonly application: readonly Application[];
}

export const applicationOf = (name: string, instances: readonly InstanceDocument[], extent: Extent): Application => ({
  name,
  instance: extent === 'compact' ? instances.map(compact) : instances,
});

export function applicationsOf(
  instances: readonly InstanceDocument[],
  extent: Extent,
  { version = 1, hash = hashOf(instances) }: { version?: number; hash?: string } = {},
): Applications {
  const byName = Map.groupBy(instances, (instance) => instance.app);
  return {
    versions__delta: String(version),
    apps__hashcode: hash,
    application: [...byName].map(([name, members]) => applicationOf(name, members, extent)),
  };
}

function hashOf(instances: readonly InstanceDocument[]): string {
  const byStatus = Map.groupBy(instances, (instance) => instance.status);
  return [...byStatus]
    .map(([status, members]) => `${status}_${members.length}_`)
    .sort()
    .join('');
}
