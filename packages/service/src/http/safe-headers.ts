/** Headers that keep the contents of a response between the service and the client. */

/** For every response. A public route may allow caching. */
export const SAFE_HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const;

/** Also for responses that a browser may display. A page sets its own `content-security-policy`. */
export const BROWSER_HEADERS = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
} as const;

/** Returns the headers as a flat list of names and values. */
export const flatHeaders = (headers: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(headers).flat();

/** Returns the headers as lines of an HTTP head. */
export const headerLines = (headers: Readonly<Record<string, string>>): string =>
  Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
