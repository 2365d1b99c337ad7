import { compileNamedPatterns, NamedPatterns } from '../routes/text-pattern.ts';
import { definePredicate } from './predicate.ts';

export const header = definePredicate({
  schema: NamedPatterns,
  summary: 'each of these headers is there and its value fits; `*` stands for anything',
  example: { 'x-beta': '*', accept: 'application/*' },
  hasSecrets: true,
  compile(patterns) {
    const wanted = compileNamedPatterns(patterns).map(({ name, matches }) => ({ name: name.toLowerCase(), matches }));
    return ({ headers }) =>
      wanted.every(({ name, matches }) => {
        const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
        return typeof value === 'string' ? matches(value) : (value?.some(matches) ?? false);
      });
  },
});
