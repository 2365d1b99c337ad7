/** Converts rendered manifests for a Kubernetes that has the same resources under earlier names. */
import { isRecord, type Json, type Manifest } from '@daybook/deploy-check';

const EARLIER: Readonly<Record<string, string>> = {
  'policy/v1': 'policy/v1beta1',
  'autoscaling/v2': 'autoscaling/v2beta2',
};

function without(json: Json, name: string): Json {
  if (!isRecord(json)) return json;
  return Object.fromEntries(
    Object.entries(json)
      .filter(([key]) => key !== name)
      .map(([key, value]) => [key, without(value, name)]),
  );
}

/** Converts a manifest for a server of a minor version, for example 20. */
export function forKubernetes(minor: number, { apiVersion, json }: Manifest): Json {
  const earlier = EARLIER[apiVersion];
  if (!isRecord(json) || earlier === undefined) return json;
  const since = apiVersion === 'policy/v1' ? 21 : 23;
  const renamed = minor < since ? { ...json, apiVersion: earlier } : json;
  return minor < 26 ? without(renamed, 'unhealthyPodEvictionPolicy') : renamed;
}
