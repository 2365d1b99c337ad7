/** Proves the checker: it detects each mutant within two minutes. */
import { join } from 'node:path';
import { temporaryFolder } from '@daybook/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { ROOT, readChaosConfig } from './config.ts';
import { MUTANTS, makeMutant } from './mutants.ts';
import { runChaos } from './run.ts';

const SEED = 20_261_125;
/** The time until the end of the last round that may begin. */
const SECONDS = 75;
/** The length of a round. A run ends after the round that breaks a rule, and a short one suffices for most. */
const ROUND_MILLIS = 6_000;
const STALL_MILLIS = 12_000;

/** Shared, so that each mutant reuses the compiled files of the previous one. */
const shared = await temporaryFolder();
afterAll(() => shared[Symbol.asyncDispose]());

describe('a build that is broken on purpose', () => {
  it.each(MUTANTS)(
    'is caught: $name',
    async (mutant) => {
      await using folder = await temporaryFolder();
      const sources = join(shared.path, 'sources');
      await makeMutant(mutant, ROOT, sources);
      const lines: string[] = [];
      const report = await runChaos({
        ...(await readChaosConfig()),
        ...{ seed: SEED, seconds: SECONDS, roundMillis: ROUND_MILLIS, stallMillis: STALL_MILLIS, sources },
        ...{ deck: mutant.deck, gapMillis: mutant.gapMillis, folder: join(folder.path, 'run') },
        print: (line) => lines.push(line),
      });
      const broken = report.violations.map(({ rule }) => rule);
      expect(broken, `${lines.join('\n')}\n${JSON.stringify(report, undefined, 1)}`).toEqual(
        expect.arrayContaining([expect.toBeOneOf([...mutant.breaks])]),
      );
    },
    300_000,
  );
});
