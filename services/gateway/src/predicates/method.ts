import { Type } from 'typebox';
import { definePredicate } from './predicate.ts';

export const method = definePredicate({
  schema: Type.Array(Type.String({ pattern: '^[A-Z]{1,20}$' }), { minItems: 1, maxItems: 20, uniqueItems: true }),
  summary: 'one of these methods; on a route with `cors`, also the preflight for one of them',
  example: ['GET', 'HEAD'],
  compile(methods, { route }) {
    const allowed = new Set(methods);
    const allowsPreflights = route.filters?.some((filter) => 'cors' in filter) ?? false;
    return ({ method = 'GET', headers }) => {
      if (allowed.has(method)) return true;
      const requestedMethod =
        allowsPreflights && method === 'OPTIONS' ? headers['access-control-request-method'] : undefined;
      return requestedMethod !== undefined && allowed.has(requestedMethod);
    };
  },
});
