/**
 * Checks whether Kubernetes would accept the rendered manifests.
 * The packages `kubernetes-models` and `@kubernetes-models/gateway-api` are generated from its API schemas.
 * Their validators check patterns and enumerations but ignore unknown fields.
 * Their types report an unknown field of a literal.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { isRecord, type Json, textsAt } from './json.ts';
import { type Manifest, titleOf } from './manifest.ts';

const run = promisify(execFile);
const require = createRequire(import.meta.url);
const DEADLINE_MILLIS = 120_000;

/** Returns the module of a kind: `kubernetes-models/apps/v1/Deployment`. */
function moduleOf({ apiVersion, kind }: Manifest): string {
  const [group = ''] = apiVersion.includes('/') ? apiVersion.split('/') : [];
  const isOfGatewayApi = group === 'gateway.networking.k8s.io';
  return `${isOfGatewayApi ? '@kubernetes-models/gateway-api' : 'kubernetes-models'}/${apiVersion}/${kind}`;
}

interface Model {
  /**
   * Validates the manifest.
   * @throws with every fault of it
   */
  validate(): void;
}
type ModelClass = new (json: unknown) => Model;

const isModelClass = (value: unknown): value is ModelClass => typeof value === 'function';

/** Removes line breaks from base64, as kustomize writes it. Kubernetes ignores them, but the validators do not. */
const withoutLineBreaks = ({ kind, json }: Manifest): Json =>
  kind === 'Secret' && isRecord(json)
    ? {
        ...json,
        data: Object.fromEntries(
          Object.entries(textsAt(json, 'data')).map(([key, text]) => [key, text.replaceAll('\n', '')]),
        ),
      }
    : json;

async function faultOf(manifest: Manifest): Promise<string | undefined> {
  const title = `${titleOf(manifest)} (${manifest.apiVersion})`;
  let Model: unknown;
  try {
    const found: Record<string, unknown> = await import(moduleOf(manifest));
    Model = found[manifest.kind];
  } catch {
    return `${title} is of a kind that Kubernetes does not know`;
  }
  if (!isModelClass(Model)) return `${title} is of a kind that Kubernetes does not know`;
  try {
    new Model(withoutLineBreaks(manifest)).validate();
    return undefined;
  } catch (error) {
    return `${title}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Returns the faults that the validators report. */
export async function schemaFaults(manifests: readonly Manifest[]): Promise<readonly string[]> {
  const faults = await Promise.all(manifests.map(faultOf));
  return faults.filter((fault) => fault !== undefined);
}

const sourceOf = (manifests: readonly Manifest[]): string =>
  manifests
    .map((manifest, index) => {
      const type = `import('${moduleOf(manifest)}').I${manifest.kind}`;
      return `// ${titleOf(manifest)}\nexport const m${index}: ${type} = ${JSON.stringify(manifest.json, null, 1)};\n`;
    })
    .join('');

const COMPILER_OPTIONS = [
  '--noEmit',
  '--strict',
  '--skipLibCheck',
  '--ignoreConfig',
  '--module',
  'nodenext',
  '--pretty',
  'false',
];

/**
 * Returns the faults that the types report, for example unknown fields.
 * The manifests become literals of a program that is checked and never run.
 */
export async function typeFaults(manifests: readonly Manifest[]): Promise<readonly string[]> {
  // A folder from which the imports resolve.
  const folder = await mkdtemp(join(import.meta.dirname, '../../.checked-'));
  try {
    const file = join(folder, 'manifests.ts');
    const source = sourceOf(manifests);
    await writeFile(file, source);
    const compiler = join(dirname(require.resolve('typescript/package.json')), 'bin/tsc');
    await run(process.execPath, [compiler, ...COMPILER_OPTIONS, file], { timeout: DEADLINE_MILLIS });
    return [];
  } catch (error) {
    if (!(error instanceof Error && 'stdout' in error && typeof error.stdout === 'string' && error.stdout !== ''))
      throw error;
    return error.stdout
      .trim()
      .split('\n')
      .map((line) => line.replace(/^.*manifests\.ts/, 'line '));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
