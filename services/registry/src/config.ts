import { commonVariables, type Environment, readConfiguration } from '@daybook/service';
import { Type } from 'typebox';

/** Eureka's own port, where clients look when they are told nothing. */
const EUREKA_PORT = 8761;

const schema = Type.Object({
  DAYBOOK_HOST: commonVariables.DAYBOOK_HOST,
  DAYBOOK_SERVICE_PORT: Type.Integer({ minimum: 0, maximum: 65_535, default: EUREKA_PORT }),
});

export const readConfig = (environment: Environment) => readConfiguration(schema, environment);
