/** `npm start`: everything in one process; `npm start -- appointment`: one service as a process of its own. */
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// Before anything large is loaded: the second start finds every file compiled.
enableCompileCache(join(import.meta.dirname, '../../node_modules/.cache/daybook'));
const { run } = await import('./run.ts');
await run(process.argv.slice(2));
