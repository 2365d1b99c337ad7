/** How much memory the pods take, beside what they have requested. */
import { at, items, type Json, type Manifest, numberAt, quantityOf, textAt } from '@daybook/deploy-check';

export interface MemoryOfWorkload {
  readonly name: string;
  /** Of the pod that takes the most. */
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

/** `summary` is what a kubelet says at `/stats/summary`. */
export function memoryOf(summary: Json, workloads: readonly Manifest[]): readonly MemoryOfWorkload[] {
  return workloads.map((workload) => {
    const { name } = workload;
    const pods = items(at(summary, 'pods')).filter((pod) => textAt(pod, 'podRef', 'name')?.startsWith(`${name}-`));
    return { name, bytes: Math.max(0, ...pods.map(bytesOf)), requested: requestOf(workload) };
  });
}
