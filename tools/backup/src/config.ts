import { commonVariables, readConfiguration } from '@daybook/service';
import { Type } from 'typebox';

const schema = Type.Object({ DAYBOOK_DATA: commonVariables.DAYBOOK_DATA });

/**
 * Returns the data folder from the variables of `npm start`.
 * @throws InvalidConfiguration
 */
export const dataFolder = (): string => readConfiguration(schema, process.env).DAYBOOK_DATA;
