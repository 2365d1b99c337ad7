import { Type } from 'typebox';
import { OneOf } from './scalars.ts';

const Status = OneOf(['UP', 'DOWN']);
/** `DEGRADED`: it does not work, and the service does without for a while. */
const ComponentStatus = OneOf(['UP', 'DOWN', 'DEGRADED']);

/** `/health/live` and `/health/ready`. */
export const Health = Type.Object(
  { status: Status, components: Type.Record(Type.String(), Type.Object({ status: ComponentStatus })) },
  { title: 'Health' },
);

/** `/info`. */
export const Info = Type.Object(
  { name: Type.String(), version: Type.String(), node: Type.String(), startedAt: Type.String() },
  { title: 'Info' },
);
