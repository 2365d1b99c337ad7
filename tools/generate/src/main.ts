/**
 * `npm run generate`: writes the files that follow from the code.
 * These are docs/openapi.json, as the gateway serves it, the client's types, docs/asyncapi.json and docs/access.md.
 * With `--check` it writes nothing and fails when a file differs from the code.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import openapiTypescript, { astToString } from 'openapi-typescript';
import { accessPageOf } from './access-page.ts';
import { asyncApiOf } from './asyncapi.ts';
import { fetchOpenApi } from './openapi.ts';

const root = join(import.meta.dirname, '../../..');
const HEADER = '// Generated from docs/openapi.json by `npm run generate`. Do not edit.\n';

async function generate(): Promise<Map<string, string>> {
  const data = await mkdtemp(join(tmpdir(), 'daybook-generate-'));
  try {
    const openApi = await fetchOpenApi(data);
    const types = astToString(await openapiTypescript(openApi, { defaultNonNullable: false }));
    return new Map([
      ['docs/openapi.json', `${openApi}\n`],
      ['docs/asyncapi.json', `${asyncApiOf()}\n`],
      ['docs/access.md', accessPageOf(openApi)],
      ['packages/client/src/schema.ts', `${HEADER}${types}`],
    ]);
  } finally {
    await rm(data, { recursive: true, force: true });
  }
}

async function current(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

const check = process.argv.includes('--check');
const stale: string[] = [];
for (const [file, content] of await generate()) {
  const path = join(root, file);
  if ((await current(path)) === content) continue;
  stale.push(file);
  if (!check) await writeFile(path, content);
}
if (check && stale.length > 0) {
  console.error(
    `Generated files are out of date: ${stale.join(', ')}. Run "npm run generate" and commit what it writes.`,
  );
  process.exitCode = 1;
} else {
  console.log(stale.length === 0 ? 'All generated files are up to date.' : `Wrote ${stale.join(', ')}.`);
}
