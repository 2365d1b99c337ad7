/** The cookies of identity. Only identity receives them; the gateway reads the one of the session. */

/** The ids that identity makes: 32 bytes in base64url. */
const SESSION_ID = /^[\w-]{43}$/;
/** Every cookie of identity, also those of another Daybook on this machine, because cookies ignore ports. */
const OF_IDENTITY = /^(?:__(?:host|secure)-)?daybook(?:[-_.][^\s=]*)?$/i;

export interface SessionCookie {
  readonly name: string;
  /** The text of `Set-Cookie` that removes it. */
  readonly removal: string;
}

/** Returns the session cookie for a public address. `services/identity/src/http/cookies.ts` sets it. */
export function sessionCookieOf({ protocol, port }: URL): SessionCookie {
  const isSecure = protocol === 'https:';
  const name = isSecure ? '__Host-daybook' : `daybook_${port || '80'}`;
  return { name, removal: `${name}=; Path=/; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}; Max-Age=0` };
}

export const isSessionId = (text: string): boolean => SESSION_ID.test(text);

/** Returns the first value of a cookie in a `Cookie` header, as identity does. */
export function cookieIn(header: string, name: string): string | undefined {
  for (const pair of header.split(';')) {
    const start = pair.indexOf('=');
    if (start !== -1 && pair.slice(0, start).trim() === name) return pair.slice(start + 1).trim();
  }
  return undefined;
}

/** Returns a `Cookie` header without the cookies of identity; empty if no other is left. */
export function withoutIdentityCookies(header: string): string {
  const kept = header.split(';').filter((pair) => !OF_IDENTITY.test((pair.split('=', 1)[0] ?? '').trim()));
  return kept.join(';').trim();
}
