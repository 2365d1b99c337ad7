/** A test that no tier runs holds nothing, and no run says so. */
import { matchesGlob } from 'node:path';
import { describe, expect, it } from 'vitest';
import { filesMatching } from './sources.ts';
import * as tiers from './tiers.ts';

const {
  BROKEN_BUILDS,
  BROKER,
  DEPLOY,
  E2E,
  INTEROP,
  ON_EACH_DATABASE,
  OPERATIONS_ON_SERVERS,
  SYSTEM_ON_EACH_DATABASE,
  SYSTEM_UNDER_FAULTS,
  UNIT,
} = tiers;
const onServers = {
  include: [...ON_EACH_DATABASE, ...OPERATIONS_ON_SERVERS, ...SYSTEM_ON_EACH_DATABASE, ...SYSTEM_UNDER_FAULTS],
  exclude: [],
};
const ALL = [UNIT, BROKER, INTEROP, E2E, BROKEN_BUILDS, DEPLOY, onServers];

const files = await filesMatching('{packages,services,launcher,tools,e2e,bench}/**/*.test.ts');

const isIn = (file: string, { include, exclude }: tiers.Tier): boolean =>
  include.some((one) => matchesGlob(file, one)) && !exclude.some((one) => matchesGlob(file, one));

describe('the tiers of the tests', () => {
  it('have every test file', () => {
    expect(files.length).toBeGreaterThan(200);
    expect(files.filter((file) => !ALL.some((tier) => isIn(file, tier)))).toEqual([]);
  });

  it.each(ALL.flatMap(({ include }) => include))('have a file for the pattern %s', (include) => {
    expect(files.filter((file) => matchesGlob(file, include))).not.toEqual([]);
  });
});
