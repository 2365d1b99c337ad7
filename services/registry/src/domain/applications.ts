/** Lists of instances in the shape that Eureka's clients expect. */
import type { InstanceDocument } from './leases.ts';

export const applicationOf = (name: string, instances: readonly InstanceDocument[]) => ({ name, instance: instances });

export function applicationsOf(instances: readonly InstanceDocument[]) {
  const byName = Map.groupBy(instances, (instance) => instance.app);
  return {
    applications: {
      versions__delta: '1',
      apps__hashcode: hashOf(instances),
      application: [...byName].map(([name, members]) => applicationOf(name, members)),
    },
  };
}

/** `DOWN_1_UP_2_`: how many of each status, in alphabetical order. A client that holds a copy compares it. */
function hashOf(instances: readonly InstanceDocument[]): string {
  const byStatus = Map.groupBy(instances, (instance) => instance.status);
  return [...byStatus]
    .map(([status, members]) => `${status}_${members.length}_`)
    .sort()
    .join('');
}
