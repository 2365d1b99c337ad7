/** Serves the signed key set, by which services verify tokens. */
import { Nothing } from '@daybook/contracts';
import type { App } from '@daybook/service';

export function addKeySet(app: App, signKeySet: () => Promise<string>): void {
  app.get('/identity/keys', { schema: { hide: true, querystring: Nothing } }, async (_request, reply) =>
    reply.type('application/jwk-set+jwt').send(await signKeySet()),
  );
}
