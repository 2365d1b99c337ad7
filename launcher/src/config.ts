/** The only reader of the environment; services get it passed on. */
import { commonVariables, type Environment, EXIT, readConfiguration, StartFailure } from '@daybook/service';
import { type Static, Type } from 'typebox';

const schema = Type.Object({
  DAYBOOK_HOST: commonVariables.DAYBOOK_HOST,
  DAYBOOK_DATA: commonVariables.DAYBOOK_DATA,
  DAYBOOK_DEMO: Type.Unsafe<'on' | 'off'>(Type.String({ enum: ['on', 'off'], default: 'on' })),
  DATABASE_URL: Type.Optional(Type.String()),
  DAYBOOK_MYSQL_URL: Type.Optional(Type.String()),
  AMQP_URL: Type.Optional(Type.String()),
  EUREKA_URL: commonVariables.EUREKA_URL,
  LOG_LEVEL: Type.Unsafe<'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'>(
    Type.String({ enum: ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], default: 'info' }),
  ),
});

export type LauncherConfig = Static<typeof schema>;

export const environment: Environment = process.env;

/**
 * @throws StartFailure 78 for a wrong variable, or one that names what this version cannot use: to run without it in
 * silence would put data where nobody looks
 */
export function readConfig(): LauncherConfig {
  const config = readConfiguration(schema, environment);
  for (const name of ['DAYBOOK_MYSQL_URL', 'AMQP_URL'] as const) {
    if (config[name] !== undefined) {
      throw new StartFailure(EXIT.configuration, `Wrong configuration: ${name} is not supported by this version yet.`);
    }
  }
  return config;
}
