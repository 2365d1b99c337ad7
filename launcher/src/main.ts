/** `npm start` runs all services in one process; `npm start -- appointment` runs one service. */
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// Runs before large modules load, so that the second start finds every file compiled.
enableCompileCache(join(import.meta.dirname, '../../node_modules/.cache/daybook'));
const { run } = await import('./run.ts');
await run(process.argv.slice(2));
