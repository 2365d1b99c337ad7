/** Checks that Kubernetes accepts deploy/kubernetes, and that invalid manifests are found. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Manifest, ofKind, parseManifests } from './manifest.ts';
import { render } from './render.ts';
import { schemaFaults, typeFaults } from './schemas.ts';
import { copyOfSources } from './sources.ts';
import { renderer, renderFolder } from './testing.ts';

const LONG = 120_000;

/** Renders production with the Gateway API. */
async function renderGatewayApi(): Promise<readonly Manifest[]> {
  if (!renderer) return [];
  await using sources = await copyOfSources();
  const folder = join(sources.path, 'overlays/gateway-api');
  await mkdir(folder);
  const kustomization = { resources: ['../../base'], components: ['../../components/gateway-api'] };
  await writeFile(join(folder, 'kustomization.yaml'), JSON.stringify(kustomization));
  return await render(renderer, folder);
}

describe.skipIf(!renderer)('what is rendered', () => {
  let all: readonly (readonly [name: string, manifests: readonly Manifest[]])[];

  beforeAll(async () => {
    all = [
      ['local', await renderFolder('overlays/local')],
      ['production', await renderFolder('overlays/production')],
      ['Gateway API', await renderGatewayApi()],
    ];
  }, LONG);

  it('matches the schemas of Kubernetes', async () => {
    for (const [name, manifests] of all) expect(await schemaFaults(manifests), name).toEqual([]);
    const kinds = new Set(all.flatMap(([, manifests]) => manifests.map(({ kind }) => kind)));
    expect(kinds).toContain('HTTPRoute');
    expect(kinds).toContain('Ingress');
  });

  it(
    'has no field that Kubernetes does not know',
    async () => {
      expect(await typeFaults(all.flatMap(([, manifests]) => manifests))).toEqual([]);
    },
    LONG,
  );
});

const deploymentWith = (spec: string): readonly Manifest[] =>
  parseManifests(`
apiVersion: apps/v1
kind: Deployment
metadata: { name: one }
spec:
  selector: { matchLabels: { app: one } }
  template:
    metadata: { labels: { app: one } }
    spec: { containers: [{ name: one, image: one }] }
  ${spec}
`);

const route = (port: string): readonly Manifest[] =>
  parseManifests(`
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: one }
spec: { rules: [{ backendRefs: [{ name: one, ${port} }] }] }
`);

describe('what Kubernetes would not take', () => {
  it.each([
    ['a value of another type', deploymentWith('replicas: two'), 'replicas must be integer'],
    ['a number out of range', route('port: 80800'), 'port must be <= 65535'],
    [
      'a kind that does not exist any more',
      parseManifests('{ apiVersion: policy/v1, kind: PodSecurityPolicy, metadata: { name: one } }'),
      'a kind that Kubernetes does not know',
    ],
  ])('is found: %s', async (_, manifests, fault) => {
    expect((await schemaFaults(manifests)).join('\n')).toContain(fault);
  });

  it(
    'is found: unknown fields',
    async () => {
      const faults = await typeFaults([
        ...deploymentWith('minReadySecond: 5'),
        ...route('weigth: 1, port: 80'),
        ...ofKind(deploymentWith(''), 'Deployment'),
      ]);
      expect(faults).toHaveLength(2);
      expect(faults.join('\n')).toContain('"minReadySecond"\' does not exist');
      expect(faults.join('\n')).toContain('"weigth"\' does not exist');
    },
    LONG,
  );
});
