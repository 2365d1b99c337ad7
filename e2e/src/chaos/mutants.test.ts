/** Checks that the text that a mutant replaces is in the present sources. */
import { join } from 'node:path';
import { temporaryFolder } from '@daybook/testing';
import { it } from 'vitest';
import { ROOT } from './config.ts';
import { MUTANTS, makeMutant } from './mutants.ts';

it.each(MUTANTS)('mutant can be made: $name', async (mutant) => {
  await using folder = await temporaryFolder();
  await makeMutant(mutant, ROOT, join(folder.path, 'sources'));
});
