/** The predicates and filters of Daybook's gateway. */
import { filters } from './filters/index.ts';
import { predicates } from './predicates/index.ts';
import type { PluginCatalogue } from './routes/plugin.ts';

export const plugins: PluginCatalogue = { predicates, filters };
