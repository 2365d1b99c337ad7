/** The cookies of this service. Their names depend on the public address. */
import type { FastifyReply, FastifyRequest } from 'fastify';

export interface CookieNames {
  /** The session. The gateway reads it, too. */
  readonly session: string;
  /** The secret that form tokens are bound to. */
  readonly form: string;
  /** A sign-in that waits for a code. */
  readonly pending: string;
  /** What a browser that has signed in before is recognized by. */
  readonly device: string;
  /** A sign-in that is on its way at a foreign issuer. */
  readonly foreign: string;
  /** Those of oidc-provider. */
  readonly oidcSession: string;
  readonly oidcInteraction: string;
  readonly oidcResume: string;
}

export interface Cookies {
  readonly names: CookieNames;
  get(request: FastifyRequest, name: string): string | undefined;
  /** Sets a cookie until the browser closes, or for a time. */
  set(reply: FastifyReply, name: string, value: string, maxAgeSeconds?: number): void;
  clear(reply: FastifyReply, name: string): void;
  /** Returns the text of `Set-Cookie` that removes a cookie. */
  removalOf(name: string): string;
}

/** Returns the value of a cookie in a `Cookie` header. */
export function cookieIn(header: string | undefined, name: string): string | undefined {
  for (const pair of header?.split(';') ?? []) {
    const [key = '', ...value] = pair.split('=');
    if (key.trim() === name) return value.join('=').trim();
  }
  return undefined;
}

/**
 * Returns the names. Under TLS the prefix keeps other hosts and unencrypted responses from setting one. On loopback the
 * port is part of the name, because cookies ignore ports.
 */
function namesOf({ protocol, port }: URL): CookieNames {
  const isSecure = protocol === 'https:';
  const name = (suffix: string) => (isSecure ? `__Host-daybook${suffix}` : `daybook${suffix}_${port || '80'}`);
  /** With a path of its own. */
  const scoped = (suffix: string) => (isSecure ? `__Secure-daybook${suffix}` : name(suffix));
  return {
    session: name(''),
    form: name('-form'),
    pending: name('-sign-in'),
    device: name('-device'),
    foreign: name('-foreign'),
    oidcSession: name('-oidc'),
    oidcInteraction: scoped('-interaction'),
    oidcResume: scoped('-resume'),
  };
}

export function createCookies(publicUrl: URL): Cookies {
  const attributes = `Path=/; HttpOnly; SameSite=Lax${publicUrl.protocol === 'https:' ? '; Secure' : ''}`;
  const removalOf = (name: string) => `${name}=; ${attributes}; Max-Age=0`;
  return {
    names: namesOf(publicUrl),
    get: ({ headers }, name) => cookieIn(headers.cookie, name),
    set(reply, name, value, maxAgeSeconds) {
      const age = maxAgeSeconds === undefined ? '' : `; Max-Age=${maxAgeSeconds}`;
      void reply.header('set-cookie', `${name}=${value}; ${attributes}${age}`);
    },
    clear(reply, name) {
      void reply.header('set-cookie', removalOf(name));
    },
    removalOf,
  };
}
