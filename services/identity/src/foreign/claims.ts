/** What the ID token of a foreign issuer says about a person, as pure functions. */
import { ACCOUNT_ROLES, type AccountRole, Email, Language, VisibleText } from '@daybook/contracts';
import { createValidator } from '@daybook/service';
import { Type } from 'typebox';
import type { ForeignPerson } from '../domain/foreign-person.ts';

type Claims = Readonly<Record<string, unknown>>;

const MAX_SUBJECT = 255;
const MAX_NAME = 200;
const isName = createValidator(Type.Object({ text: VisibleText(MAX_NAME) }));
const isEmail = createValidator(Type.Object({ text: Email() }));
const isLanguage = createValidator(Type.Object({ text: Language() }));

type Check = typeof isName | typeof isEmail | typeof isLanguage;
const accepted = (check: Check, text: unknown): string | undefined =>
  typeof text === 'string' && !('faults' in check({ text })) ? text : undefined;

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;

/** Returns a claim by its name. Where there is none, dots lead into objects: `realm_access.roles`. */
const claimAt = (claims: Claims, path: string): unknown =>
  memberOf(claims, path) ?? path.split('.').reduce<unknown>(memberOf, claims);

/**
 * Returns the one role of ours in a claim, which is a text or a list. Other roles are for other programs. Several of
 * ours are none, because choosing one of them could give more than was meant.
 */
export function roleIn(claims: Claims, path: string): AccountRole | undefined {
  const values = [claimAt(claims, path)].flat();
  const [role, ...others] = ACCOUNT_ROLES.filter((one) => values.includes(one));
  return others.length === 0 ? role : undefined;
}

function nameIn(claims: Claims): string {
  const whole = [claims.given_name, claims.family_name].filter((part) => typeof part === 'string').join(' ');
  for (const name of [claims.name, whole, claims.preferred_username, claims.email]) {
    const text = typeof name === 'string' ? name.trim().slice(0, MAX_NAME) : undefined;
    const visible = accepted(isName, text);
    if (visible !== undefined) return visible;
  }
  return '–';
}

function signedInAt({ auth_time: seconds }: Claims): Temporal.Instant | undefined {
  const isTime = typeof seconds === 'number' && Number.isSafeInteger(seconds) && seconds > 0 && seconds < 1e11;
  return isTime ? Temporal.Instant.fromEpochMilliseconds(seconds * 1_000) : undefined;
}

/** Returns the person of verified claims, or undefined if the subject is not one (OpenID Connect Core, section 2). */
export function foreignPersonOf(claims: Claims, roleClaim: string): ForeignPerson | undefined {
  const { iss: issuer, sub: subject } = claims;
  if (typeof issuer !== 'string' || typeof subject !== 'string') return undefined;
  if (subject === '' || subject.length > MAX_SUBJECT) return undefined;
  return {
    issuer,
    subject,
    role: roleIn(claims, roleClaim),
    displayName: nameIn(claims),
    email: accepted(isEmail, claims.email) ?? '',
    locale: accepted(isLanguage, claims.locale),
    authenticatedAt: signedInAt(claims),
  };
}
