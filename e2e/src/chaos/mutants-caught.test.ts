/** The checker is proven: each promise, taken out of a copy of the sources, is missed within two minutes. */
import { join } from 'node:path';
import { temporaryFolder } from '@daybook/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { ROOT, readChaosConfig } from './config.ts';
import { MUTANTS, makeMutant } from './mutants.ts';
import { runChaos } from './run.ts';

const SEED = 20_261_125;
/** To the end of the last round that may begin. */
const SECONDS = 75;
/** A round that breaks a rule is the last: a short one is enough for most. */
const ROUND_MILLIS = 6_000;
const STALL_MILLIS = 12_000;

/** Each mutant after the first finds compiled what it has in common with the one before. */
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
