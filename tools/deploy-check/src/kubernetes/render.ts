/** Renders a kustomization with an installed kustomize: its own program, or the one in kubectl. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Manifest, parseManifests } from './manifest.ts';

const run = promisify(execFile);
const DEADLINE_MILLIS = 60_000;
const MOST_BYTES = 16 * 1024 * 1024;

export interface Renderer {
  readonly program: string;
  /** The command, before the folder. */
  readonly render: readonly string[];
  readonly version: readonly string[];
}

/** The candidates. kubectl before 1.21 lacks components, and does not report its kustomize version. */
const KNOWN: readonly Renderer[] = [
  { program: 'kustomize', render: ['build'], version: ['version'] },
  { program: 'kubectl', render: ['kustomize'], version: ['version', '--client'] },
];
const NEW_ENOUGH = /(?:^|Kustomize Version: )v[5-9]\.\d+\.\d+/m;

async function isNewEnough({ program, version }: Renderer): Promise<boolean> {
  try {
    return NEW_ENOUGH.test((await run(program, version, { timeout: DEADLINE_MILLIS })).stdout);
  } catch {
    // The program is missing, or is another one.
    return false;
  }
}

/** Returns undefined when no kustomize is installed that is new enough. */
export async function findRenderer(): Promise<Renderer | undefined> {
  for (const renderer of KNOWN) if (await isNewEnough(renderer)) return renderer;
  return undefined;
}

/**
 * Renders a folder.
 * @throws with the message of kustomize when it fails
 */
export async function renderText(renderer: Renderer, folder: string): Promise<string> {
  const options = { timeout: DEADLINE_MILLIS, maxBuffer: MOST_BYTES };
  return (await run(renderer.program, [...renderer.render, folder], options)).stdout;
}

export const render = async (renderer: Renderer, folder: string): Promise<readonly Manifest[]> =>
  parseManifests(await renderText(renderer, folder));
