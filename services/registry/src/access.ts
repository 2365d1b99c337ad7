/** Decides which user may write what. Passwords come from the configuration, and only they distinguish users. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { DAYBOOK_APPLICATIONS, OPERATOR_USER, PEER_USER, type RegistryUsers } from '@daybook/service';
import type { Registration } from './domain/instance.ts';

/** What a call writes: an application's instances, the status of any instance, or the changes of a peer. */
export type Write = 'application' | 'status' | 'replication';

export interface Access {
  /** Returns the user of an `Authorization` header; undefined for a wrong one. */
  identify(authorization: string | undefined): string | undefined;
  /** Returns whether a user may write this; `app` is the application in the path, if present. */
  mayWrite(user: string, write: Write, app: string | undefined): boolean;
  /** Returns whether a user may register an instance under all its names. */
  mayRegister(user: string, registration: Registration): boolean;
}

const BASIC = /^Basic +([\w+/=-]{1,1000})$/i;

const hashOf = (password: string): Buffer => createHash('sha256').update(password).digest();

/** Normalizes a name as every client does. A letter with an ASCII upper or lower case equals that ASCII letter. */
export const normalizeName = (text: string): string => text.trim().toUpperCase().toLowerCase();

/** Returns the names in `vipAddress` or `secureVipAddress`, which clients separate by commas. */
const namesIn = (vipAddress: string | undefined): string[] =>
  (vipAddress ?? '')
    .split(',')
    .map(normalizeName)
    .filter((name) => name !== '');

export function createAccess(users: RegistryUsers): Access {
  const hashes = new Map([...users].map(([name, password]) => [name, hashOf(password)]));
  /** Compared when the user does not exist, so that both cases take the same time. */
  const dummyHash = hashOf('');
  const reserved = new Set<string>([...DAYBOOK_APPLICATIONS, 'registry', ...users.keys()]);

  return {
    identify(authorization) {
      const [, encoded = ''] = BASIC.exec(authorization ?? '') ?? [];
      const [name = '', ...rest] = Buffer.from(encoded, 'base64').toString('utf8').split(':');
      const expected = hashes.get(name);
      const isMatch = timingSafeEqual(hashOf(rest.join(':')), expected ?? dummyHash);
      return isMatch && expected !== undefined ? name : undefined;
    },

    mayWrite(user, write, app) {
      if (user === PEER_USER) return true;
      if (write === 'replication' || app === undefined) return false;
      if (user === OPERATOR_USER) return write === 'status';
      return normalizeName(app) === user;
    },

    mayRegister(user, registration) {
      if (user === PEER_USER) return true;
      const names = [...namesIn(registration.vipAddress), ...namesIn(registration.secureVipAddress)];
      return normalizeName(registration.app) === user && names.every((name) => name === user || !reserved.has(name));
    },
  };
}
