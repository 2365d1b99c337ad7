import { Type } from 'typebox';
import { OneOf } from './scalars.ts';

const Status = OneOf(['UP', 'DOWN']);
/** `DEGRADED`: the component does not work, and the service can do without it for a while. */
const ComponentStatus = OneOf(['UP', 'DOWN', 'DEGRADED']);

/** The response of `/health/live` and `/health/ready`. */
export const Health = Type.Object(
  { status: Status, components: Type.Record(Type.String(), Type.Object({ status: ComponentStatus })) },
  { title: 'Health' },
);

/** The response of `/info`. */
export const Info = Type.Object(
  { name: Type.String(), version: Type.String(), node: Type.String(), startedAt: Type.String() },
  { title: 'Info' },
);
