/** The environment of a process with one service. The process passes it on, and the service reads its own variables. */
import { type Static, Type } from 'typebox';
import { processVariables } from './common-variables.ts';
import { type Environment, readConfiguration } from './read-configuration.ts';

const schema = Type.Object(processVariables);

export const processEnvironment: Environment = process.env;

/**
 * Reads the variables of the process.
 * @throws InvalidConfiguration
 */
export const readProcessConfig = (): Static<typeof schema> => readConfiguration(schema, processEnvironment);
