import { commonVariables, type Environment, readConfiguration, serviceKeyVariable } from '@daybook/service';
import { Type } from 'typebox';

const schema = Type.Object({ ...commonVariables, ...serviceKeyVariable });

export const readConfig = (environment: Environment) => readConfiguration(schema, environment);
