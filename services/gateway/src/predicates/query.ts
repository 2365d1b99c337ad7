import { compileNamedPatterns, NamedPatterns } from '../routes/text-pattern.ts';
import { definePredicate } from './predicate.ts';

export const query = definePredicate({
  schema: NamedPatterns,
  summary: 'each of these query parameters is there and one of its values fits; `*` stands for anything',
  example: { version: '2', debug: '*' },
  hasSecrets: true,
  compile(patterns) {
    const wanted = compileNamedPatterns(patterns);
    return ({ url = '/' }) => {
      const start = url.indexOf('?');
      if (start === -1) return false;
      const parameters = new URLSearchParams(url.slice(start));
      return wanted.every(({ name, matches }) => parameters.getAll(name).some(matches));
    };
  },
});
