/**
 * Recognizes browsers that have signed in to an account before. Guessing by others never slows such a browser down.
 * The cookie proves nothing else, and names nobody.
 */
import { randomBytes } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { authenticate, isSameText } from '../credentials/secrets.ts';
import type { Cookies } from './cookies.ts';

export interface KnownDevices {
  /** Returns the id of the browser for an account, if it has signed in to it. */
  find(request: FastifyRequest, loginKey: string): string | undefined;
  remember(request: FastifyRequest, reply: FastifyReply, loginKey: string): void;
}

/** People of a clinic share computers. */
const MAX_ACCOUNTS = 8;
const MAX_AGE_SECONDS = 180 * 24 * 60 * 60;
const ENTRY = /^([\w-]{22})\.([\w-]{43})$/;

export function createKnownDevices(cookies: Cookies, key: Uint8Array): KnownDevices {
  const name = cookies.names.device;
  const codeOf = (id: string, loginKey: string): string => authenticate(`${id}.${loginKey}`, key);
  const entriesOf = (request: FastifyRequest): string[] =>
    (cookies.get(request, name) ?? '')
      .split('~')
      .filter((entry) => ENTRY.test(entry))
      .slice(0, MAX_ACCOUNTS);

  /** Returns the id in an entry if the entry is for the account. */
  function idIn(entry: string, loginKey: string): string | undefined {
    const [, id = '', code = ''] = ENTRY.exec(entry) ?? [];
    return isSameText(codeOf(id, loginKey), code) ? id : undefined;
  }

  return {
    find(request, loginKey) {
      for (const entry of entriesOf(request)) {
        const id = idIn(entry, loginKey);
        if (id !== undefined) return id;
      }
      return undefined;
    },
    remember(request, reply, loginKey) {
      const others = entriesOf(request).filter((entry) => idIn(entry, loginKey) === undefined);
      const id = randomBytes(16).toString('base64url');
      const entries = [`${id}.${codeOf(id, loginKey)}`, ...others].slice(0, MAX_ACCOUNTS);
      cookies.set(reply, name, entries.join('~'), MAX_AGE_SECONDS);
    },
  };
}
