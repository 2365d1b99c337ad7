/** Configures the tests of `npm run deploy:cluster-test` with `overlays/local` on a real cluster: see run.ts. */
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: join(import.meta.dirname, '../../../..'),
    include: ['e2e/src/deploy/cluster/*.cluster.ts'],
    // The files share one cluster, so they run in sequence.
    fileParallelism: false,
    sequence: { concurrent: false },
    testTimeout: 15 * 60_000,
    hookTimeout: 20 * 60_000,
    bail: 1,
    reporters: 'verbose',
  },
});
