/** Access tokens of the local system, for the programs of this machine that fill, import and test it. */
import { DatabaseUnavailable } from '@daybook/database';
import { type LocalCaller, type LocalTokens, openLocalTokens } from '@daybook/identity-service/local-tokens';
import { type Environment, StartFailure, systemClock } from '@daybook/service';
import { localEnvironment } from './local-environment.ts';

/** A token is replaced when it has lived for half of this. */
const LIVES_SECONDS = 60 * 60;
const REPLACED_AFTER_MILLIS = (LIVES_SECONDS * 1_000) / 2;
/** Tests ask for tokens of many patients. */
const MAX_HELD = 1_000;

export interface TokenSource extends AsyncDisposable {
  /** Returns a token that is good for half an hour at least. */
  tokenFor(caller: LocalCaller): Promise<string>;
}

interface Held {
  readonly token: Promise<string>;
  /** Milliseconds since 1970. */
  readonly since: number;
}

/** Opens the database of identity at the first use. */
export function createTokenSource(environment: Environment): TokenSource {
  const held = new Map<string, Held>();
  let opening: Promise<LocalTokens> | undefined;

  async function sign(caller: LocalCaller): Promise<string> {
    opening ??= localEnvironment(environment).then(openLocalTokens);
    return (await opening).sign(caller, LIVES_SECONDS);
  }

  return {
    tokenFor(caller) {
      const { role, id = '', accountId = '' } = caller;
      const key = `${role} ${id} ${accountId}`;
      const known = held.get(key);
      const now = systemClock().epochMilliseconds;
      // A clock that was set back or ahead would make the token invalid.
      if (known && now >= known.since && now - known.since < REPLACED_AFTER_MILLIS) return known.token;
      if (held.size >= MAX_HELD) held.clear();
      const token = sign(caller);
      held.set(key, { token, since: now });
      token.catch(() => held.delete(key));
      return token;
    },
    async [Symbol.asyncDispose]() {
      try {
        await (await opening)?.[Symbol.asyncDispose]();
      } catch (error) {
        // It was never open, which the caller of `tokenFor` knows.
        if (!(error instanceof StartFailure || error instanceof DatabaseUnavailable)) throw error;
      }
    },
  };
}
