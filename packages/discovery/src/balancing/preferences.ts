/** What instances say of themselves that matters to who chooses among them: where they are, and how much they take. */
import type { Instance } from '../discovery.ts';

/** Names of Spring Cloud LoadBalancer and Eureka: instances that both sides know mean the same by them. */
const ZONE = 'zone';
const WEIGHT = 'weight';
const WEIGHT_TEXT = /^(?:[1-9]\d?|100)$/;

/** From 1 to 100; 1 for who does not say, or says something else. */
export function weightOf({ metadata }: Instance): number {
  const text = metadata[WEIGHT] ?? '';
  return WEIGHT_TEXT.test(text) ? Number(text) : 1;
}

/** Those of a zone; all when there is none of it, or nobody says which. */
export function nearest(instances: readonly Instance[], zone: string | undefined): readonly Instance[] {
  if (zone === undefined) return instances;
  const near = instances.filter(({ metadata }) => metadata[ZONE] === zone);
  return near.length > 0 ? near : instances;
}

/** The sums of the weights up to each instance; undefined when all take the same. */
export function sumsOfWeights(instances: readonly Instance[]): readonly number[] | undefined {
  const weights = instances.map(weightOf);
  if (weights.every((weight) => weight === weights[0])) return undefined;
  let sum = 0;
  return weights.map((weight) => {
    sum += weight;
    return sum;
  });
}
