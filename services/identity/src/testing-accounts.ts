/** For tests of whole systems: signs people in at a local system, past the pages of identity. */
import { type Environment, systemClock } from '@daybook/service';
import { readConfig } from './config.ts';
import { openLocalDatabase } from './local-database.ts';
import { type Account, createAccountStore, type NewAccount, type PatientLink } from './store/accounts.ts';
import { createSessionStore } from './store/sessions.ts';

export interface TestingAccounts extends AsyncDisposable {
  add(account: Omit<NewAccount, 'status' | 'locale'>): Promise<Account>;
  link(account: Pick<Account, 'id'>, link: PatientLink): Promise<void>;
  /** Starts a session. Returns the value of its cookie. */
  signIn(account: Pick<Account, 'id' | 'role'>, device?: string): Promise<string>;
  /** Returns the handles of the sessions of an account. */
  sessionsOf(account: Pick<Account, 'id'>): Promise<string[]>;
}

/** Opens the accounts of a system. `environment` names its data folder. */
export async function openTestingAccounts(environment: Environment): Promise<TestingAccounts> {
  const database = await openLocalDatabase(readConfig(environment));
  const accounts = createAccountStore(database, systemClock);
  const sessions = createSessionStore(database, systemClock);
  return {
    add: (account) => accounts.create({ ...account, status: 'active', locale: 'en' }),
    link: ({ id }, link) => accounts.linkPatient(id, link),
    signIn: ({ id, role }, device = 'Firefox') =>
      sessions.start({ account: { id, role }, methods: ['pwd', 'otp'], device }),
    sessionsOf: async ({ id }) => (await sessions.list(id)).map(({ handle }) => handle),
    [Symbol.asyncDispose]: () => database.close(),
  };
}
