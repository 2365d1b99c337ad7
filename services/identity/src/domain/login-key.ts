/**
 * Returns the form in which e-mail addresses are compared. Case does not count, because few people know that it could.
 * Providers' own rules, such as dots that do not count, are unknown here, so nothing else is changed.
 */
export const loginKeyOf = (email: string): string => email.trim().normalize('NFKC').toLowerCase();
