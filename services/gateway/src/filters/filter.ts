import type { TSchema } from 'typebox';
import type { RouteContext } from '../routes/context.ts';
import { definePlugin, type Plugin } from '../routes/plugin.ts';
import type { Filter } from './chain.ts';

export type FilterPlugin = Plugin<RouteContext, Filter>;

/** Something that a route does to requests or answers, with its schema. */
export const defineFilter = <Schema extends TSchema>(
  definition: Parameters<typeof definePlugin<Schema, RouteContext, Filter>>[0],
): FilterPlugin => definePlugin(definition);
