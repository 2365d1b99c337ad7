/** The environment of a process with one service. A service gets it passed on and reads what is its own. */
import { type Static, Type } from 'typebox';
import { processVariables } from './common-variables.ts';
import { type Environment, readConfiguration } from './read-configuration.ts';

const schema = Type.Object({ LOG_LEVEL: processVariables.LOG_LEVEL });

export const processEnvironment: Environment = process.env;

/** @throws InvalidConfiguration */
export const readProcessConfig = (): Static<typeof schema> => readConfiguration(schema, processEnvironment);
