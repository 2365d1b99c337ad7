/** Accounts with few rights on the broker of this machine, for tests. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface AccountRights {
  readonly configure: string;
  readonly write: string;
  readonly read: string;
}

export interface BrokerAccount extends AsyncDisposable {
  /** The address of the broker with this account. */
  readonly url: string;
}

/** Returns whether tests may make accounts, and prints a message otherwise. */
export async function canMakeAccounts(): Promise<boolean> {
  try {
    await run('rabbitmqctl', ['list_users', '--silent']);
    return true;
  } catch {
    console.warn('SKIPPED: the tests of accounts, made with rabbitmqctl, as the user of the broker or root');
    return false;
  }
}

/** Makes an account on the broker that `rabbitmqctl` knows, which `url` names. */
export async function makeAccount(url: string, { configure, write, read }: AccountRights): Promise<BrokerAccount> {
  const [user, password] = [`test-${randomBytes(6).toString('hex')}`, randomBytes(16).toString('hex')];
  const address = new URL(url);
  const vhost = decodeURIComponent(address.pathname.slice(1)) || '/';
  await run('rabbitmqctl', ['add_user', user, password]);
  await run('rabbitmqctl', ['set_permissions', '-p', vhost, user, configure, write, read]);
  return {
    url: Object.assign(address, { username: user, password }).href,
    async [Symbol.asyncDispose]() {
      await run('rabbitmqctl', ['delete_user', user]);
    },
  };
}
