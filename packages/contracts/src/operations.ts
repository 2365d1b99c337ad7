import { Type } from 'typebox';
import { OneOf } from './scalars.ts';

const Status = OneOf(['UP', 'DOWN']);

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
