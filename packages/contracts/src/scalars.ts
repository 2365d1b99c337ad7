/** The scalar schemas of all resources. `packages/service/src/validation/validation.ts` checks the formats. */
import { Type } from 'typebox';

/** A visible character: not a space and not without a glyph. */
const VISIBLE = '[^\\s\\p{Cc}\\p{Cf}\\p{Default_Ignorable_Code_Point}\\u2800]';
/**
 * Text with at least one visible character. Control characters are not allowed, nor lone surrogates, which UTF-8 cannot
 * store.
 */
export const VISIBLE_TEXT = `^(?=.*${VISIBLE})[^\\p{Cc}\\p{Cs}]*$`;
/** Like `VISIBLE_TEXT`, but with lines and tabs. */
export const FREE_TEXT = `^(?=[\\s\\S]*${VISIBLE})(?:[^\\p{Cc}\\p{Cs}]|[\\n\\r\\t])*$`;

export const Id = (description?: string) =>
  Type.String({ format: 'uuid', ...(description === undefined ? {} : { description }) });

/**
 * An instant, RFC 3339. Responses use UTC with three digits of milliseconds; a request must carry an offset, which may
 * be any.
 */
export const Instant = (description?: string) =>
  Type.String({ format: 'date-time', ...(description === undefined ? {} : { description }) });

/** Returns an enumeration of strings. (A union of literals would be longer and slower to serialize.) */
export const OneOf = <const Words extends readonly string[]>(
  words: Words,
  options: { description?: string; default?: Words[number] } = {},
) => Type.Unsafe<Words[number]>(Type.String({ enum: [...words], ...options }));

/** Returns the schema of a query parameter with several of some words, separated by commas. `readSomeOf` parses it. */
export const SomeOf = <const Words extends readonly string[]>(words: Words, description: string) => {
  const word = `(${words.join('|')})`;
  return Type.String({ pattern: `^${word}(,${word}){0,${words.length - 1}}$`, description });
};

/** Returns the distinct words of a `SomeOf`. */
export function readSomeOf<const Words extends readonly string[]>(words: Words, list: string): Words[number][] {
  const named = new Set(list.split(','));
  return words.filter((word) => named.has(word));
}
/** Rejects dates before 1850; the format rejects what is not a date. The upper limit, tomorrow, needs the clock. */
export const BIRTH_DATE = '^(?!(0[0-9]|1[0-7])[0-9]{2}-|18[0-4][0-9]-)';

export const BirthDate = () =>
  Type.String({ format: 'date', pattern: BIRTH_DATE, description: 'From 1850-01-01 through tomorrow' });

export const PlainDate = (description?: string) =>
  Type.String({ format: 'date', ...(description === undefined ? {} : { description }) });

/** An IANA name such as `America/New_York`. An offset is rejected, because it is not a place. */
export const TimeZone = (description = 'IANA time zone') => Type.String({ format: 'time-zone', description });

export const VisibleText = (maxLength: number, description?: string) =>
  Type.String({ pattern: VISIBLE_TEXT, maxLength, ...(description === undefined ? {} : { description }) });

export const FreeText = (maxLength: number, description?: string) =>
  Type.String({ pattern: FREE_TEXT, maxLength, ...(description === undefined ? {} : { description }) });

export const Email = () => Type.String({ format: 'email', maxLength: 254 });

/** A phone as people write it; see `packages/service/src/validation/phone.ts`. */
export const WrittenPhone = () =>
  Type.String({
    format: 'phone',
    maxLength: 50,
    description: 'Any written form that names its country: `+1 (555) 123-4567`; kept as E.164',
  });

export const Phone = () => Type.String({ pattern: '^\\+[1-9][0-9]{1,14}$', description: 'E.164' });

/** Marks a walk-in; only staff may set it. */
export const WalkIn = (description: string) =>
  Type.Optional(Type.Boolean({ description: `${description}. By staff only` }));

export const Specialty = (description = 'kebab-case: `general-practice`') =>
  Type.String({ pattern: '^[a-z0-9]+(-[a-z0-9]+)*$', maxLength: 100, description });

export const Language = () => Type.String({ format: 'language-tag', maxLength: 35, description: 'BCP 47' });

/** An empty query or body. Unknown members are rejected as everywhere else. */
export const Nothing = Type.Object({}, { additionalProperties: false });

/** The members of every stored resource. `version` is also its ETag. */
export const stored = {
  version: Type.Integer({ minimum: 1 }),
  createdAt: Instant(),
  updatedAt: Instant(),
};
