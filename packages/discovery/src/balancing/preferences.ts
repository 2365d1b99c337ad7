/** Metadata of instances that affects their selection: zone and weight. */
import type { Instance } from '../discovery.ts';

/** The names of Spring Cloud LoadBalancer and Eureka, so that instances known to both mean the same. */
const ZONE = 'zone';
const WEIGHT = 'weight';
const WEIGHT_TEXT = /^(?:[1-9]\d?|100)$/;

/** Returns the weight, from 1 to 100. It is 1 when missing or invalid. */
export function weightOf({ metadata }: Instance): number {
  const text = metadata[WEIGHT] ?? '';
  return WEIGHT_TEXT.test(text) ? Number(text) : 1;
}

/** Returns the instances of a zone, or all when the zone is unknown or has no instance. */
export function nearest(instances: readonly Instance[], zone: string | undefined): readonly Instance[] {
  if (zone === undefined) return instances;
  const near = instances.filter(({ metadata }) => metadata[ZONE] === zone);
  return near.length > 0 ? near : instances;
}

/** Returns the running sums of the weights; undefined when all weights are equal. */
export function sumsOfWeights(instances: readonly Instance[]): readonly number[] | undefined {
  const weights = instances.map(weightOf);
  if (weights.every((weight) => weight === weights[0])) return undefined;
  let sum = 0;
  return weights.map((weight) => {
    sum += weight;
    return sum;
  });
}
