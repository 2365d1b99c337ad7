import type { TSchema } from 'typebox';
import type { ClientRequest } from '../http/client-exchange.ts';
import type { RouteContext } from '../routes/context.ts';
import { definePlugin, type Plugin } from '../routes/plugin.ts';

export type Predicate = (request: ClientRequest) => boolean;
export type PredicatePlugin = Plugin<RouteContext, Predicate>;

/** Defines a condition on requests, and its schema. Requests are hostile, so its time must be linear in their size. */
export const definePredicate = <Schema extends TSchema>(
  definition: Parameters<typeof definePlugin<Schema, RouteContext, Predicate>>[0],
): PredicatePlugin => definePlugin(definition);
