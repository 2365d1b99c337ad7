/**
 * Runs the Kubernetes part of `npm run deploy:check` with the kubectl of this machine.
 * It reads from a configured cluster and changes nothing there.
 */
import { join } from 'node:path';
import { findingsOfCluster } from './cluster.ts';
import type { Manifest } from './manifest.ts';
import { findRenderer, type Renderer, render } from './render.ts';
import { localFlows, productionFlows, rules } from './rules/index.ts';
import { schemaFaults, typeFaults } from './schemas.ts';
import { copyOfSources } from './sources.ts';

const OVERLAYS = { 'overlays/local': localFlows, 'overlays/production': productionFlows('ingress-nginx') };

const print = (line: string) => console.log(line);

async function faultsOf(overlay: keyof typeof OVERLAYS, manifests: readonly Manifest[]): Promise<readonly string[]> {
  const ofRules = [...Object.values(rules), OVERLAYS[overlay]].flatMap((rule) => rule(manifests));
  return [...(await schemaFaults(manifests)), ...(await typeFaults(manifests)), ...ofRules];
}

/** Returns the manifests to apply; undefined when they are invalid. */
async function checkManifests(renderer: Renderer): Promise<readonly Manifest[] | undefined> {
  await using sources = await copyOfSources();
  const all: Manifest[] = [];
  let isFit = true;
  for (const overlay of ['overlays/local', 'overlays/production'] as const) {
    const manifests = await render(renderer, join(sources.path, overlay));
    const faults = await faultsOf(overlay, manifests);
    all.push(...manifests);
    isFit &&= faults.length === 0;
    print(
      `${overlay}: ${manifests.length} objects, ${faults.length === 0 ? 'as Kubernetes and our rules want them.' : 'not fit:'}`,
    );
    for (const fault of faults) print(`  ${fault}`);
  }
  return isFit ? all : undefined;
}

print('Kubernetes');
const renderer = await findRenderer();
if (renderer) {
  const manifests = await checkManifests(renderer);
  if (manifests) for (const finding of await findingsOfCluster(manifests)) print(finding);
  else process.exitCode = 1;
} else {
  print('There is no kustomize 5 here, and no kubectl that has it (1.27 or newer): nothing could be checked.');
}
