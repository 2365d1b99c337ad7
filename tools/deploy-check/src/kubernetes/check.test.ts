import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { renderer } from './testing.ts';

const run = promisify(execFile);
const CHECK = join(import.meta.dirname, 'check.ts');

it.skipIf(!renderer)(
  'reports that the manifests are fit, and that there is no cluster to check',
  async () => {
    const env = { ...process.env, KUBECONFIG: '/nowhere/kubeconfig' };
    const { stdout } = await run(process.execPath, [CHECK], { env });
    expect(stdout).toMatch(/^overlays\/local: \d+ objects, as Kubernetes and our rules want them\.$/m);
    expect(stdout).toMatch(/^overlays\/production: \d+ objects, as Kubernetes and our rules want them\.$/m);
    expect(stdout).toContain('kubectl knows no cluster here');
  },
  120_000,
);

it('reports that nothing could be checked where nothing renders', async () => {
  const { stdout } = await run(process.execPath, [CHECK], { env: { ...process.env, PATH: '/nowhere' } });
  expect(stdout).toContain('nothing could be checked');
}, 120_000);
