import { at, type Json } from '../json.ts';
import { type Container, containersOf, type Rule, workloadsOf } from '../manifest.ts';

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
};

/** Returns 0.25 for `250m` and 1073741824 for `1Gi`; undefined for anything but a quantity. */
export function quantityOf(json: Json | undefined): number | undefined {
  if (typeof json === 'number') return json;
  const [, number, unit = ''] = typeof json === 'string' ? (/^([\d.]+)([A-Za-z]*)$/.exec(json) ?? []) : [];
  const factor = UNITS[unit];
  return number === undefined || factor === undefined ? undefined : Number(number) * factor;
}

const faultsOf = ({ title, json }: Container): string[] =>
  (['cpu', 'memory'] as const).flatMap((resource) => {
    const request = quantityOf(at(json, 'resources', 'requests', resource));
    const limit = quantityOf(at(json, 'resources', 'limits', resource));
    if (request === undefined || limit === undefined) return [`${title} has no request or no limit of ${resource}`];
    return request > limit ? [`${title} requests more ${resource} than its limit`] : [];
  });

/** Requires requests and limits on everything. */
export const resources: Rule = (manifests) => workloadsOf(manifests).flatMap(containersOf).flatMap(faultsOf);
