import { createParser } from '@daybook/service/validation';
import { type Static, Type } from 'typebox';
import { definePredicate } from './predicate.ts';

const Weight = Type.Object(
  {
    group: Type.String({ pattern: '^[a-z][a-z0-9-]*$', maxLength: 100 }),
    weight: Type.Integer({ minimum: 0, maximum: 1_000_000 }),
  },
  { additionalProperties: false, title: 'weight' },
);

const readWeight = createParser(Weight);

export const weight = definePredicate({
  schema: Weight,
  summary: 'chance: the routes of a group share its requests by their weights',
  example: { group: 'patients', weight: 90 },
  compile(own, { route, routes, draw }) {
    const group = routes.flatMap(({ id, predicates }) => {
      const weighed: Static<typeof Weight>[] = 'weight' in predicates ? [readWeight(predicates.weight)] : [];
      return weighed.filter(({ group }) => group === own.group).map(({ weight }) => ({ id, weight }));
    });
    const total = sum(group.map(({ weight }) => weight));
    const before = sum(
      group
        .slice(
          0,
          group.findIndex(({ id }) => id === route.id),
        )
        .map(({ weight }) => weight),
    );
    const [from, to] = [before / total, (before + own.weight) / total];
    return (request) => {
      const drawn = draw(own.group, request);
      return drawn >= from && drawn < to;
    };
  },
});

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
