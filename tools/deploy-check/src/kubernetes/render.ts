/** Renders a kustomization with the kustomize that is there: a program of its own, or the one in kubectl. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Manifest, parseManifests } from './manifest.ts';

const run = promisify(execFile);
const DEADLINE_MILLIS = 60_000;
const MOST_BYTES = 16 * 1024 * 1024;

export interface Renderer {
  readonly program: string;
  /** What it is called with, before the folder. */
  readonly render: readonly string[];
  readonly version: readonly string[];
}

/** kubectl before 1.21 has a kustomize that knows no components, and does not say which. */
const KNOWN: readonly Renderer[] = [
  { program: 'kustomize', render: ['build'], version: ['version'] },
  { program: 'kubectl', render: ['kustomize'], version: ['version', '--client'] },
];
const NEW_ENOUGH = /(?:^|Kustomize Version: )v[5-9]\.\d+\.\d+/m;

async function isNewEnough({ program, version }: Renderer): Promise<boolean> {
  try {
    return NEW_ENOUGH.test((await run(program, version, { timeout: DEADLINE_MILLIS })).stdout);
  } catch {
    // It is not there, or it is not what we think.
    return false;
  }
}

/** Undefined when none is there, or none that is new enough. */
export async function findRenderer(): Promise<Renderer | undefined> {
  for (const renderer of KNOWN) if (await isNewEnough(renderer)) return renderer;
  return undefined;
}

/** @throws with what kustomize says when the folder cannot be rendered */
export async function renderText(renderer: Renderer, folder: string): Promise<string> {
  const options = { timeout: DEADLINE_MILLIS, maxBuffer: MOST_BYTES };
  return (await run(renderer.program, [...renderer.render, folder], options)).stdout;
}

export const render = async (renderer: Renderer, folder: string): Promise<readonly Manifest[]> =>
  parseManifests(await renderText(renderer, folder));
