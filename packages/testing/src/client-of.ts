import { createClient, type DaybookClient } from '@daybook/client';
import type { LocalCaller } from '@daybook/identity-service/local-tokens';

/** A running system that tests can call. */
export interface CallableSystem {
  readonly url: string;
  tokenFor(caller: LocalCaller): Promise<string>;
}

/** Returns a client of a system that calls as an administrator. */
export const clientOf = ({ url, tokenFor }: CallableSystem): DaybookClient =>
  createClient({ baseUrl: url, token: () => tokenFor({ role: 'administrator' }) });

/** Returns the header of an administrator, for requests without the client. */
export const bearerOf = async ({ tokenFor }: Pick<CallableSystem, 'tokenFor'>): Promise<{ authorization: string }> => ({
  authorization: `Bearer ${await tokenFor({ role: 'administrator' })}`,
});
