import type { TSchema } from 'typebox';
import type { RouteContext } from '../routes/context.ts';
import { definePlugin, type Predicate, type PredicatePlugin } from '../routes/plugin.ts';

/** Defines a condition on requests, and its schema. Requests are hostile, so its time must be linear in their size. */
export const definePredicate = <Schema extends TSchema>(
  definition: Parameters<typeof definePlugin<Schema, RouteContext, Predicate>>[0],
): PredicatePlugin => definePlugin(definition);
