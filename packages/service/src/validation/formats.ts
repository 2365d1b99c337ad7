/** The string formats of the contracts, each as a predicate. */
import { isIP } from 'node:net';

const RFC_3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/;
const FULL_DATE = /^\d{4}-\d{2}-\d{2}$/;

const parses = (parse: () => unknown): boolean => {
  try {
    parse();
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
};

const FIRST_WRITABLE = Temporal.Instant.from('0000-01-01T00:00:00Z').epochMilliseconds;
const LAST_WRITABLE = Temporal.Instant.from('9999-12-31T23:59:59.999Z').epochMilliseconds;

/**
 * Returns whether the instant can be written in UTC, as in every response. An offset can move it out of the years of
 * RFC 3339.
 */
function isWritable(instant: Temporal.Instant): boolean {
  const millis = instant.epochMilliseconds;
  return millis >= FIRST_WRITABLE && millis <= LAST_WRITABLE;
}

export const isInstant = (text: string): boolean =>
  RFC_3339.test(text) &&
  parses(() => {
    if (!isWritable(Temporal.Instant.from(text))) throw new RangeError('beyond the years that can be written');
  });

export const isPlainDate = (text: string): boolean =>
  FULL_DATE.test(text) && parses(() => Temporal.PlainDate.from(text));

/** Accepts a DNS name or an address, as callers dial it. */
export const isHostName = (text: string): boolean => /^[A-Za-z0-9]([A-Za-z0-9.:-]*[A-Za-z0-9])?$/.test(text);

/** Accepts the URLs of servers, separated by commas. */
export const isHttpUrlList = (text: string): boolean =>
  text.split(',').every((url) => /^https?:\/\//.test(url) && URL.canParse(url) && !/\s/.test(url));

/** Accepts an origin without a path: `https://daybook.example.org`. */
export const isHttpOrigin = (text: string): boolean => /^https?:\/\/[^\s/?#@]+\/?$/.test(text) && URL.canParse(text);

/** Accepts the URL of a RabbitMQ. Its details are checked on use. */
export const isAmqpUrl = (text: string): boolean =>
  /^amqps?:\/\/[^/]/.test(text) && URL.canParse(text) && !/\s/.test(text);

/** Accepts one address, or `10.0.0.0/8`. */
export function isNetwork(text: string): boolean {
  const [address = '', prefix, ...more] = text.split('/');
  const version = address.includes('%') ? 0 : isIP(address);
  if (version === 0 || more.length > 0) return false;
  return prefix === undefined || (/^(0|[1-9]\d{0,2})$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128));
}

export const isNetworkList = (text: string): boolean => text.split(',').every(isNetwork);

/** Accepts an IANA name. `+05:00` is an offset, not a place. */
export const isTimeZone = (text: string): boolean =>
  /^[A-Za-z]/.test(text) && parses(() => new Temporal.ZonedDateTime(0n, text));

export const isLanguageTag = (text: string): boolean =>
  parses(() => {
    if (Intl.getCanonicalLocales(text).length !== 1) throw new RangeError('not one tag');
  });

/** The least contrast of text that WCAG AA accepts (success criterion 1.4.3). */
const MIN_CONTRAST = 4.5;

/** Returns the light that one channel of a colour emits, from 0 to 1. `channel` is from 0 to 255. */
function linearOf(channel: number): number {
  const value = channel / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}

/** Returns the contrast of a colour against white, from 1 to 21, as WCAG 2.2 defines it. `colour` is `#rrggbb`. */
export function contrastAgainstWhite(colour: string): number {
  const channel = (from: number) => linearOf(Number.parseInt(colour.slice(from, from + 2), 16));
  const luminance = 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
  return 1.05 / (luminance + 0.05);
}

/** Accepts `#rrggbb` that people can read on white, and white text on it. */
export const isAccentColour = (text: string): boolean =>
  /^#[0-9a-f]{6}$/i.test(text) && contrastAgainstWhite(text) >= MIN_CONTRAST;
