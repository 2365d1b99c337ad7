/**
 * Returns the form in which e-mail addresses are compared. Case does not count, because few people know that it could.
 * Providers' own rules, such as dots that do not count, are unknown here, so nothing else is changed.
 */
export const loginKeyOf = (email: string): string => email.trim().normalize('NFKC').toLowerCase();

const FOREIGN = 'foreign:';

/**
 * Returns the key of an account whose person signs in at a foreign issuer. It is not an e-mail address, so such an
 * account is never found by one.
 */
export const foreignLoginKeyOf = (identityHash: Uint8Array): string =>
  FOREIGN + Buffer.from(identityHash).toString('hex');

export const isForeignLoginKey = (loginKey: string): boolean => loginKey.startsWith(FOREIGN);
