/** The variables that every service knows. */
import { join } from 'node:path';
import { Type } from 'typebox';

export const commonVariables = {
  DAYBOOK_HOST: Type.String({ default: '127.0.0.1', description: 'Where to listen' }),
  DAYBOOK_SERVICE_PORT: Type.Integer({ minimum: 0, maximum: 65_535, default: 0, description: '0 takes a free one' }),
  DAYBOOK_DATA: Type.String({ default: './data', description: 'The folder of the embedded databases' }),
  DATABASE_URL: Type.Optional(
    Type.String({ pattern: '^sqlite:.+', description: 'The database of this service: `sqlite:PATH`' }),
  ),
  EUREKA_URL: Type.Optional(
    Type.String({
      pattern: '^https?://[^,\\s]+(,https?://[^,\\s]+)*$',
      description: 'Registries, separated by commas',
    }),
  ),
};

/** Where a service listens; a name for the variable that moves it, for whoever finds the port taken. */
export const listenOnOf = (config: { DAYBOOK_HOST: string; DAYBOOK_SERVICE_PORT: number }) => ({
  host: config.DAYBOOK_HOST,
  port: config.DAYBOOK_SERVICE_PORT,
  variable: 'DAYBOOK_SERVICE_PORT',
});

/** The database of a service: the one that is named, or a file in the data folder. */
export const databaseUrlOf = (config: { DATABASE_URL?: string; DAYBOOK_DATA: string }, name: string): string =>
  config.DATABASE_URL ?? `sqlite:${join(config.DAYBOOK_DATA, `${name}.sqlite`)}`;
