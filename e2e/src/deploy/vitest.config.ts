/** The images and the systems made of them, by `npm run deploy:test`: minutes of a whole machine, and so not part of `npm test`. */
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: join(import.meta.dirname, '../../..'),
    include: ['e2e/src/deploy/*.test.ts'],
    // One after the other: each takes the machine to itself.
    fileParallelism: false,
    // Servers that start, images that are built: a deadline for what hangs, not a measure.
    testTimeout: 5 * 60_000,
    hookTimeout: 20 * 60_000,
  },
});
