import { Type } from 'typebox';
import { compilePathBuilder, compileTemplate, PATH_TEMPLATE, paramNamesIn, SUBTREE } from '../routes/path-template.ts';
import { defineFilter } from './filter.ts';

const Template = Type.String({ pattern: PATH_TEMPLATE, maxLength: 500 });

export const rewritePath = defineFilter({
  schema: Type.Object({ from: Template, to: Template }, { additionalProperties: false }),
  summary:
    'rewrites a path that matches `from` into `to`: `{name}` is one segment, `/**` at the end is all that follows; other paths stay',
  example: { from: '/visits/{id}/**', to: '/api/v1/appointments/{id}/**' },
  faultsOf({ from, to }) {
    const known = paramNamesIn(from);
    return [
      ...(new Set(known).size < known.length ? [{ pointer: '/from', message: 'must not use a name twice' }] : []),
      ...paramNamesIn(to)
        .filter((name) => !known.includes(name))
        .map((name) => ({ pointer: '/to', message: `has {${name}}, which \`from\` does not have` })),
      ...(to.endsWith(SUBTREE) && !from.endsWith(SUBTREE)
        ? [{ pointer: '/to', message: 'ends with /**, which `from` does not' }]
        : []),
    ];
  },
  compile({ from, to }) {
    const read = compileTemplate(from);
    const write = compilePathBuilder(to);
    return {
      onUpstreamRequest(head) {
        const match = read(head.path);
        if (match) head.path = write(match);
      },
    };
  },
});
