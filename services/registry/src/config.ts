import { commonVariables, type Environment, readConfiguration, registryVariables } from '@daybook/service';
import { Type } from 'typebox';

/** Eureka's default port, which clients use without configuration. */
const EUREKA_PORT = 8761;

const onOrOff = (byDefault: 'on' | 'off', description: string) =>
  Type.Unsafe<'on' | 'off'>(Type.String({ enum: ['on', 'off'], default: byDefault, description }));

const schema = Type.Object({
  DAYBOOK_HOST: commonVariables.DAYBOOK_HOST,
  DAYBOOK_SERVICE_PORT: Type.Integer({ minimum: 0, maximum: 65_535, default: EUREKA_PORT }),
  DAYBOOK_OPERATIONS_PORT: commonVariables.DAYBOOK_OPERATIONS_PORT,
  DAYBOOK_ADVERTISED_HOST: commonVariables.DAYBOOK_ADVERTISED_HOST,
  DAYBOOK_REGISTRY_USERS: registryVariables.DAYBOOK_REGISTRY_USERS,
  DAYBOOK_REGISTRY_PEERS: Type.Optional(
    Type.String({ format: 'http-url-list', description: 'Registries that hold the same list, separated by commas' }),
  ),
  DAYBOOK_REGISTRY_SELF_PRESERVATION: onOrOff(
    'off',
    'Evict no instance while most renewals are missing; in a system of a few instances this keeps dead ones',
  ),
  DAYBOOK_REGISTRY_EVICTION_SECONDS: Type.Integer({
    minimum: 1,
    maximum: 3600,
    default: 1,
    description: 'How often leases that were not renewed are evicted',
  }),
  DAYBOOK_REGISTRY_DELTA: onOrOff('on', 'Serve apps/delta; without it clients fetch the whole list each time'),
});

export const readConfig = (environment: Environment) => readConfiguration(schema, environment);
