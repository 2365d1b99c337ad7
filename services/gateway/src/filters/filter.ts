import type { TSchema } from 'typebox';
import type { RouteContext } from '../routes/context.ts';
import type { Filter } from '../routes/filter.ts';
import { definePlugin, type FilterPlugin } from '../routes/plugin.ts';

/** Defines a filter and its schema. A filter changes the requests or the responses of a route. */
export const defineFilter = <Schema extends TSchema>(
  definition: Parameters<typeof definePlugin<Schema, RouteContext, Filter>>[0],
): FilterPlugin => definePlugin(definition);
