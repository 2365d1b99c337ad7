/** The small shapes that every resource is made of. Formats are checked by `packages/service` (validation.ts). */
import { Type } from 'typebox';

/** What can be seen: no space, no character without a glyph. */
const VISIBLE = '[^\\s\\p{Cc}\\p{Cf}\\p{Default_Ignorable_Code_Point}\\u2800]';
/** No control characters, no lone surrogates (they cannot be stored as UTF-8), and something to read. */
export const VISIBLE_TEXT = `^(?=.*${VISIBLE})[^\\p{Cc}\\p{Cs}]*$`;
/** The same, and lines and tabs are allowed. */
export const FREE_TEXT = `^(?=[\\s\\S]*${VISIBLE})(?:[^\\p{Cc}\\p{Cs}]|[\\n\\r\\t])*$`;

export const Id = (description?: string) =>
  Type.String({ format: 'uuid', ...(description === undefined ? {} : { description }) });

/** A moment, RFC 3339. Responses are in UTC with three digits of milliseconds; a request may carry any offset, but must carry one. */
export const Instant = (description?: string) =>
  Type.String({ format: 'date-time', ...(description === undefined ? {} : { description }) });

/** One of some words. (A union of literals would say the same, in more words, and be slower to write out.) */
export const OneOf = <const Words extends readonly string[]>(
  words: Words,
  options: { description?: string; default?: Words[number] } = {},
) => Type.Unsafe<Words[number]>(Type.String({ enum: [...words], ...options }));

/** Several of some words, separated by commas, as a query parameter takes them. `readSomeOf` reads it. */
export const SomeOf = <const Words extends readonly string[]>(words: Words, description: string) => {
  const word = `(${words.join('|')})`;
  return Type.String({ pattern: `^${word}(,${word}){0,${words.length - 1}}$`, description });
};

/** Returns the words of a `SomeOf`, each once. */
export function readSomeOf<const Words extends readonly string[]>(words: Words, list: string): Words[number][] {
  const named = new Set(list.split(','));
  return words.filter((word) => named.has(word));
}
/** No date before 1850; the format refuses what is none. The upper end, tomorrow, is for the clock to say. */
export const BIRTH_DATE = '^(?!(0[0-9]|1[0-7])[0-9]{2}-|18[0-4][0-9]-)';

export const BirthDate = () =>
  Type.String({ format: 'date', pattern: BIRTH_DATE, description: 'From 1850-01-01 through tomorrow' });

export const PlainDate = (description?: string) =>
  Type.String({ format: 'date', ...(description === undefined ? {} : { description }) });

/** An IANA name such as `America/New_York`; an offset is not a place and is refused. */
export const TimeZone = (description = 'IANA time zone') => Type.String({ format: 'time-zone', description });

export const VisibleText = (maxLength: number, description?: string) =>
  Type.String({ pattern: VISIBLE_TEXT, maxLength, ...(description === undefined ? {} : { description }) });

export const FreeText = (maxLength: number, description?: string) =>
  Type.String({ pattern: FREE_TEXT, maxLength, ...(description === undefined ? {} : { description }) });

export const Email = () => Type.String({ format: 'email', maxLength: 254 });

/** A phone as people write it; see `packages/service` (phone.ts). */
export const WrittenPhone = () =>
  Type.String({
    format: 'phone',
    maxLength: 50,
    description: 'Any written form that names its country: `+1 (555) 123-4567`; kept as E.164',
  });

export const Phone = () => Type.String({ pattern: '^\\+[1-9][0-9]{1,14}$', description: 'E.164' });

/** The choice of a walk-in, which staff alone has. */
export const WalkIn = (description: string) =>
  Type.Optional(Type.Boolean({ description: `${description}. By staff only` }));

export const Specialty = (description = 'kebab-case: `general-practice`') =>
  Type.String({ pattern: '^[a-z0-9]+(-[a-z0-9]+)*$', maxLength: 100, description });

export const Language = () => Type.String({ format: 'language-tag', maxLength: 35, description: 'BCP 47' });

/** Where nothing can be said: no query parameter, no field of a body. What is unknown is refused here as elsewhere. */
export const Nothing = Type.Object({}, { additionalProperties: false });

/** What every stored resource carries. `version` is also its ETag. */
export const stored = {
  version: Type.Integer({ minimum: 1 }),
  createdAt: Instant(),
  updatedAt: Instant(),
};
