/** Invites an administrator from a process that has the database, for `npm run admin` and for containers. */
import { type Environment, EXIT, publicUrlOf, StartFailure, systemClock } from '@daybook/service';
import { readConfig } from './config.ts';
import { openLocalDatabase } from './local-database.ts';
import { createAccountStore } from './store/accounts.ts';
import { createOneTimeLinkStore } from './store/one-time-links.ts';

/** The e-mail address belongs to an account that is no administrator's. */
export class NotAdministrator extends Error {
  override readonly name = 'NotAdministrator';
}

/**
 * Returns a one-time link with which the person sets up the account, or its new password if the account exists.
 * @throws NotAdministrator, InvalidConfiguration, DatabaseUnavailable
 */
export async function inviteAdministrator(environment: Environment, email: string): Promise<string> {
  const config = readConfig(environment);
  const database = await openLocalDatabase(config);
  try {
    const accounts = createAccountStore(database, systemClock);
    const existing = (await accounts.findForSignIn(email))?.account;
    if (existing && existing.role !== 'administrator') throw new NotAdministrator(existing.role);
    const account =
      existing ??
      (await accounts.create({ role: 'administrator', status: 'invited', email, displayName: email, locale: 'en' }));
    const purpose = account.status === 'invited' ? 'invitation' : 'recovery';
    const token = await createOneTimeLinkStore(database, systemClock).create({ purpose, accountId: account.id });
    return `${publicUrlOf(config).origin}/identity/link?token=${token}`;
  } finally {
    await database.close();
  }
}

const EMAIL = /^[^\s@]+@[^\s@]+$/;

/**
 * Returns the link for the arguments of a command.
 * @throws StartFailure 64, InvalidConfiguration, DatabaseUnavailable
 */
export async function inviteByCommand(
  environment: Environment,
  [email = '', ...others]: readonly string[],
  command: string,
): Promise<string> {
  if (!EMAIL.test(email) || others.length > 0) throw new StartFailure(EXIT.usage, `Usage: ${command} EMAIL`);
  try {
    return await inviteAdministrator(environment, email);
  } catch (error) {
    if (!(error instanceof NotAdministrator)) throw error;
    throw new StartFailure(EXIT.usage, 'The address belongs to an account that is no administrator’s.', {
      cause: error,
    });
  }
}
