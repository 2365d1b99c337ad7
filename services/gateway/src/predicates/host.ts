import { Type } from 'typebox';
import { definePredicate } from './predicate.ts';

const ANY_SUBDOMAIN = '*.';

export const host = definePredicate({
  schema: Type.Array(Type.String({ pattern: '^(?:\\*\\.)?[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$', maxLength: 255 }), {
    minItems: 1,
    maxItems: 100,
  }),
  summary: 'one of these host names, without the port; `*.example.org` is every name below `example.org`, not itself',
  example: ['daybook.example.org', '*.clinic.example.org'],
  compile(names) {
    const exact = new Set(names.filter((name) => !name.startsWith(ANY_SUBDOMAIN)));
    const suffixes = names.filter((name) => name.startsWith(ANY_SUBDOMAIN)).map((name) => name.slice(1));
    return ({ headers }) => {
      const name = withoutPort(headers.host ?? '').toLowerCase();
      return exact.has(name) || suffixes.some((suffix) => name.length > suffix.length && name.endsWith(suffix));
    };
  },
});

function withoutPort(value: string): string {
  const colon = value.indexOf(':');
  return colon === -1 ? value : value.slice(0, colon);
}
