import type { Rule } from '../manifest.ts';
import { disruption, scaling, spread } from './availability.ts';
import { draining } from './draining.ts';
import { health } from './health.ts';
import { identity } from './identity.ts';
import { operations } from './operations.ts';
import { resources } from './resources.ts';
import { restricted } from './restricted.ts';
import { images, secrets, settings, versions } from './settings.ts';

export { localFlows, productionFlows } from './flows.ts';

/** The rules for every overlay. The required flows differ: see `localFlows` and `productionFlows`. */
export const rules = {
  health,
  resources,
  spread,
  disruption,
  scaling,
  draining,
  operations,
  identity,
  restricted,
  settings,
  secrets,
  images,
  versions,
} as const satisfies Record<string, Rule>;
