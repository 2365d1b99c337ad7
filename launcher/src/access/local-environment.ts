/** The environment of programs that work with the identity database of this machine. */
import { type Environment, isGiven } from '@daybook/service';
import { findRunningSystem } from '../data-folder.ts';

/** Returns the environment with the public URL of the system that runs on the data folder, unless it is configured. */
export async function localEnvironment(environment: Environment): Promise<Environment> {
  if (isGiven(environment, 'DAYBOOK_PUBLIC_URL')) return environment;
  const system = await findRunningSystem(environment.DAYBOOK_DATA || './data');
  return system?.publicUrl === undefined ? environment : { ...environment, DAYBOOK_PUBLIC_URL: system.publicUrl };
}
