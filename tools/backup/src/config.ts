import { commonVariables, readConfiguration } from '@daybook/service';
import { Type } from 'typebox';

const schema = Type.Object({ DAYBOOK_DATA: commonVariables.DAYBOOK_DATA });

/** The data folder, as `npm start` understands it. @throws InvalidConfiguration */
export const dataFolder = (): string => readConfiguration(schema, process.env).DAYBOOK_DATA;
