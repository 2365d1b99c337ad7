/** `npm run start:distributed`: every service as processes of its own. */
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

enableCompileCache(join(import.meta.dirname, '../../../node_modules/.cache/daybook'));
await import('./run.ts');
