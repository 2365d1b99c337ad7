/** Reads the environment. Only this module does; services receive it as an argument. */
import { OneOf } from '@daybook/contracts';
import {
  commonVariables,
  demoNotLocal,
  type Environment,
  InvalidConfiguration,
  isGiven,
  isLocalOnly,
  processVariables,
  readConfiguration,
  registryVariables,
} from '@daybook/service';
import { type Static, Type } from 'typebox';

const schema = Type.Object({
  DAYBOOK_DATA: commonVariables.DAYBOOK_DATA,
  DAYBOOK_MYSQL_URL: commonVariables.DAYBOOK_MYSQL_URL,
  DAYBOOK_DEMO: Type.Optional(
    OneOf(['on', 'off'], { description: 'Fills empty databases with the demo clinic; on this machine only' }),
  ),
  AMQP_URL: commonVariables.AMQP_URL,
  EUREKA_URL: commonVariables.EUREKA_URL,
  DAYBOOK_REGISTRY_USERS: registryVariables.DAYBOOK_REGISTRY_USERS,
  ...processVariables,
});

export type LauncherConfig = Static<typeof schema>;

const distributedSchema = Type.Object({
  DAYBOOK_TOPOLOGY: Type.Optional(Type.String({ description: 'The topology file, instead of our own' })),
  DAYBOOK_DATA: schema.properties.DAYBOOK_DATA,
  DAYBOOK_DEMO: schema.properties.DAYBOOK_DEMO,
  DAYBOOK_REGISTRY_USERS: schema.properties.DAYBOOK_REGISTRY_USERS,
  EUREKA_URL: schema.properties.EUREKA_URL,
  ...processVariables,
});

export const environment: Environment = process.env;

/**
 * Reads the configuration of `npm start`.
 * @throws InvalidConfiguration
 */
export const readConfig = (): LauncherConfig => readConfiguration(schema, environment);

/**
 * Reads the configuration of `npm run start:distributed`.
 * @throws InvalidConfiguration
 */
export const readDistributedConfig = (): Static<typeof distributedSchema> =>
  readConfiguration(distributedSchema, environment);

const reachabilitySchema = Type.Object({
  DAYBOOK_HOST: Type.Optional(Type.String()),
  DAYBOOK_PUBLIC_URL: Type.Optional(Type.String()),
  DAYBOOK_TRUSTED_PROXIES: Type.Optional(Type.String()),
});

/**
 * Returns whether the demo clinic is wanted. Its accounts need no password, so it is for this machine only.
 * @throws InvalidConfiguration when it is demanded for a system that others reach
 */
export function isDemoWanted({ DAYBOOK_DEMO }: Pick<LauncherConfig, 'DAYBOOK_DEMO'>, given: Environment): boolean {
  const isLocal = isLocalOnly(readConfiguration(reachabilitySchema, given));
  if (DAYBOOK_DEMO === 'on' && !isLocal) throw demoNotLocal();
  return DAYBOOK_DEMO !== 'off' && isLocal;
}

/** Returns an environment that states to identity whether there may be demo accounts, which it never assumes. */
export const withDemoChoice = (environment: Environment, isDemo: boolean): Environment => ({
  ...environment,
  DAYBOOK_DEMO: isDemo ? 'on' : 'off',
  DAYBOOK_DEMO_FILE: '',
});

const SINGLE_SERVICE_ONLY = ['DATABASE_URL'];

/**
 * Rejects variables that would be ignored, because ignoring them would put data in an unexpected place.
 * @throws InvalidConfiguration
 */
export function rejectUnusable(isAllInOne: boolean): void {
  const isSet = (name: string) => isGiven(environment, name);
  const faults = [
    ...(isAllInOne ? SINGLE_SERVICE_ONLY : [])
      .filter(isSet)
      .map(
        (name) =>
          `${name} is for a service that runs alone; for everything in one process set DAYBOOK_DATA or DAYBOOK_MYSQL_URL`,
      ),
  ];
  if (faults.length > 0) throw new InvalidConfiguration(faults);
}
