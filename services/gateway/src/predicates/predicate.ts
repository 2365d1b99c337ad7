import type { TSchema } from 'typebox';
import type { ClientRequest } from '../client.ts';
import { defineKind, type Kind } from '../kinds.ts';
import type { RouteContext } from '../route-context.ts';

export type Predicate = (request: ClientRequest) => boolean;
export type PredicateKind = Kind<RouteContext, Predicate>;

/** A condition on requests, with its schema. Requests are hostile: it takes time in proportion to what they bring. */
export const definePredicate = <Schema extends TSchema>(
  definition: Parameters<typeof defineKind<Schema, RouteContext, Predicate>>[0],
): PredicateKind => defineKind(definition);
