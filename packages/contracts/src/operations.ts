import { Type } from 'typebox';

const Status = Type.Union([Type.Literal('UP'), Type.Literal('DOWN')]);

/** `/health/live` and `/health/ready`. */
export const Health = Type.Object(
  { status: Status, components: Type.Record(Type.String(), Type.Object({ status: Status })) },
  { title: 'Health' },
);

/** `/info`. */
export const Info = Type.Object(
  { name: Type.String(), version: Type.String(), node: Type.String(), startedAt: Type.String() },
  { title: 'Info' },
);
