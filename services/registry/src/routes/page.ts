/** Serves a page for people at `/`. Its files come only from the registry. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { App } from '@daybook/service';
import { registryPage } from '../page/html.ts';
import type { Registry } from '../registry.ts';

const HEADERS = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
};

const FILES = { '/page.css': 'text/css; charset=utf-8', '/page.js': 'text/javascript; charset=utf-8' };

export async function addPage(app: App, registry: Registry): Promise<void> {
  app.get('/', { schema: { hide: true } }, (_request, reply) =>
    reply
      .headers(HEADERS)
      .type('text/html; charset=utf-8')
      .send(
        registryPage({
          instances: registry.leases.all(),
          isPreserving: registry.isPreserving(),
          nowMillis: registry.now().epochMillis,
        }),
      ),
  );
  for (const [path, type] of Object.entries(FILES)) {
    const text = await readFile(join(import.meta.dirname, '../page', path), 'utf8');
    app.get(path, { schema: { hide: true } }, (_request, reply) => reply.headers(HEADERS).type(type).send(text));
  }
}
