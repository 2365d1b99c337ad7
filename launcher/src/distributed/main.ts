/** `npm run start:distributed`: starts every service in its own processes. */
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

enableCompileCache(join(import.meta.dirname, '../../../node_modules/.cache/daybook'));
await import('./run.ts');
