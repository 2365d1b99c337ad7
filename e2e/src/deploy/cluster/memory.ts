/** Compares the memory of the pods with their requests. */
import { at, items, type Json, type Manifest, numberAt, quantityOf, textAt } from '@daybook/deploy-check';

export interface MemoryOfWorkload {
  readonly name: string;
  /** The memory of the largest pod. */
  readonly bytes: number;
  readonly requested: number;
}

const MIB = 2 ** 20;
export const describeMemory = ({ name, bytes, requested }: MemoryOfWorkload): string =>
  `memory of ${name}: ${(bytes / MIB).toFixed(0)} MiB of ${(requested / MIB).toFixed(0)} MiB requested`;

const requestOf = ({ json }: Manifest): number => {
  const [container] = items(at(json, 'spec', 'template', 'spec', 'containers'));
  return quantityOf(at(container, 'resources', 'requests', 'memory')) ?? 0;
};

const bytesOf = (pod: Json): number =>
  items(at(pod, 'containers')).reduce<number>((sum, one) => sum + (numberAt(one, 'memory', 'workingSetBytes') ?? 0), 0);

/** Returns the memory of each workload. `summary` is a kubelet's `/stats/summary`. */
export function memoryOf(summary: Json, workloads: readonly Manifest[]): readonly MemoryOfWorkload[] {
  return workloads.map((workload) => {
    const { name } = workload;
    const pods = items(at(summary, 'pods')).filter((pod) => textAt(pod, 'podRef', 'name')?.startsWith(`${name}-`));
    return { name, bytes: Math.max(0, ...pods.map(bytesOf)), requested: requestOf(workload) };
  });
}
