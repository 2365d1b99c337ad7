import type { TSchema } from 'typebox';
import { defineKind, type Kind } from '../kinds.ts';
import type { Filter } from '../passage.ts';
import type { RouteContext } from '../route-context.ts';

export type FilterKind = Kind<RouteContext, Filter>;

/** Something that a route does to requests or answers, with its schema. */
export const defineFilter = <Schema extends TSchema>(
  definition: Parameters<typeof defineKind<Schema, RouteContext, Filter>>[0],
): FilterKind => defineKind(definition);
