import { commonVariables, type Environment, readConfiguration } from '@daybook/service';
import { Type } from 'typebox';

const schema = Type.Object(commonVariables);

export const readConfig = (environment: Environment) => readConfiguration(schema, environment);
