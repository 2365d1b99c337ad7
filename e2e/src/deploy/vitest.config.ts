/** Configures `npm run deploy:test`, which takes minutes of a whole machine and so is not part of `npm test`. */
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: join(import.meta.dirname, '../../..'),
    include: ['e2e/src/deploy/*.test.ts'],
    // In sequence, because each file uses the whole machine.
    fileParallelism: false,
    // Servers start and images are built, so the deadline only ends what hangs.
    testTimeout: 5 * 60_000,
    hookTimeout: 20 * 60_000,
  },
});
