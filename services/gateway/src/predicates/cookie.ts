import { compileNamedPatterns, NamedPatterns } from '../routes/text-pattern.ts';
import { definePredicate } from './predicate.ts';

export const cookie = definePredicate({
  schema: NamedPatterns,
  summary: 'each of these cookies is there and its value fits; `*` stands for anything',
  example: { canary: 'yes' },
  hasSecrets: true,
  compile(patterns) {
    const wanted = compileNamedPatterns(patterns);
    return ({ headers }) => {
      if (headers.cookie === undefined) return false;
      const pairs = headers.cookie.split(';').map((pair) => pair.trim());
      return wanted.every(({ name, matches }) =>
        pairs.some((pair) => pair.startsWith(`${name}=`) && matches(pair.slice(name.length + 1))),
      );
    };
  },
});
