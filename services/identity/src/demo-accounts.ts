/** Makes the accounts of the demo clinic. Only the seed does this, with the database of this machine. */
import { type Environment, systemClock } from '@daybook/service';
import { readConfig } from './config.ts';
import { openLocalDatabase } from './local-database.ts';
import { createDemoAccountStore, type DemoPerson } from './store/demo-accounts.ts';

export type { DemoPerson } from './store/demo-accounts.ts';

/**
 * Makes the accounts, which are also the stored mark that the data is a demo. May run again for the same people. Returns
 * false where there are other accounts.
 * @throws InvalidConfiguration, StartFailure 69, DatabaseUnavailable
 */
export async function prepareDemoAccounts(environment: Environment, people: readonly DemoPerson[]): Promise<boolean> {
  const database = await openLocalDatabase(readConfig(environment));
  try {
    return await createDemoAccountStore(database, systemClock).prepare(people);
  } finally {
    await database.close();
  }
}
