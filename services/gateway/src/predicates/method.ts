import { Type } from 'typebox';
import { definePredicate } from './predicate.ts';

export const method = definePredicate({
  schema: Type.Array(Type.String({ pattern: '^[A-Z]{1,20}$' }), { minItems: 1, maxItems: 20, uniqueItems: true }),
  summary: 'one of these methods; on a route with `cors`, also the preflight that asks for one of them',
  example: ['GET', 'HEAD'],
  compile(methods, { route }) {
    const allowed = new Set(methods);
    const takesPreflights = route.filters?.some((filter) => 'cors' in filter) ?? false;
    return ({ method = 'GET', headers }) => {
      if (allowed.has(method)) return true;
      const asked = takesPreflights && method === 'OPTIONS' ? headers['access-control-request-method'] : undefined;
      return asked !== undefined && allowed.has(asked);
    };
  },
});
