import { PATHS, paramNamesIn, SUBTREE } from '../routes/path-template.ts';
import { definePredicate } from './predicate.ts';

/** The only predicate that every route has. The route table finds paths in an index instead of testing each route. */
export const path = definePredicate({
  schema: PATHS,
  summary:
    'one of these paths: whole, with `{name}` for any one segment, or with `/**` for the path and everything below it',
  example: ['/api/v1/patients', '/api/v1/patients/**'],
  faultsOf: (paths) =>
    paths.flatMap((pattern, index) => {
      const names = paramNamesIn(pattern);
      const pointer = `/${index}`;
      if (names.length > 0 && pattern.endsWith(SUBTREE))
        return [{ pointer, message: 'must not have both {name} and /**' }];
      return new Set(names).size < names.length ? [{ pointer, message: 'must not use a name twice' }] : [];
    }),
  compile: () => () => true,
});
