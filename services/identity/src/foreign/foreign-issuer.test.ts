/** What is accepted as the foreign issuer, by its discovery document. Sign-ins are in routes/foreign-sign-in.test.ts. */
import { createLogger } from '@daybook/service';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { foreignPersonOf, roleIn } from './claims.ts';
import { createForeignIssuer } from './foreign-issuer.ts';
import { createTransport, ForeignIssuerUnavailable } from './transport.ts';

const ATTEMPT = { state: 's', nonce: 'n', codeVerifier: 'v'.repeat(43), returnTo: undefined };
const entra = (tenant: string) => `https://login.microsoftonline.com/${tenant}/v2.0`;

// Loading it takes longer than a test may, on a busy machine.
beforeAll(() => import('openid-client'), 120_000);

const documentOf = (issuer: string, changes: object = {}) => ({
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  jwks_uri: `${issuer}/keys`,
  ...changes,
});

/** Returns an issuer whose discovery document is this one, and the addresses that were fetched. */
function issuerWith(url: string, document: object) {
  const fetched: string[] = [];
  const transport = async (input: string | URL | Request) => {
    fetched.push(String(input));
    return Response.json(document);
  };
  const issuer = createForeignIssuer({
    settings: { url: new URL(url), clientId: 'daybook', clientSecret: 'secret', roleClaim: 'roles' },
    callback: new URL('https://daybook.example/identity/foreign/callback'),
    logger: createLogger({ level: 'silent' }),
    transport,
  });
  onTestFinished(() => issuer.stop());
  issuer.start();
  return { issuer, fetched };
}

describe('discovery', () => {
  it('accepts the issuer that is configured, and requests a code with PKCE, state and nonce', async () => {
    const { issuer, fetched } = issuerWith('https://sso.example/realms/a', documentOf('https://sso.example/realms/a'));
    await expect
      .poll(() => issuer.authorizationUrl(ATTEMPT, false).then((url) => url.origin))
      .toBe('https://sso.example');
    const { searchParams } = await issuer.authorizationUrl(ATTEMPT, false);
    expect(Object.fromEntries(searchParams)).toEqual({
      client_id: 'daybook',
      response_type: 'code',
      redirect_uri: 'https://daybook.example/identity/foreign/callback',
      scope: 'openid profile email',
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
      state: 's',
      nonce: 'n',
    });
    expect(fetched).toEqual(['https://sso.example/realms/a/.well-known/openid-configuration']);
  });

  it.each([
    ['another issuer', 'https://sso.example', documentOf('https://other.example')],
    ['any tenant of Entra', entra('common'), documentOf(entra('{tenantid}'))],
    ['another tenant of Entra', entra('ours'), documentOf(entra('theirs'))],
    [
      'keys without encryption',
      'https://sso.example',
      documentOf('https://sso.example', { jwks_uri: 'http://sso.example' }),
    ],
    ['no keys', 'https://sso.example', documentOf('https://sso.example', { jwks_uri: undefined })],
    [
      'a page at another place',
      'https://sso.example',
      documentOf('https://sso.example', { authorization_endpoint: 'x' }),
    ],
    ['no document', 'https://sso.example', []],
  ])('rejects %s, which is tried again and never used', async (_what, url, document) => {
    const { issuer, fetched } = issuerWith(url, document);
    await expect.poll(() => fetched.length, { timeout: 5_000 }).toBeGreaterThan(1);
    await expect(issuer.authorizationUrl(ATTEMPT, false)).rejects.toBeInstanceOf(ForeignIssuerUnavailable);
  });
});

describe('a request to the issuer', () => {
  const options = { method: 'GET', headers: {}, body: undefined, redirect: 'manual' } as const;

  it.each(['http://sso.example/token', 'http://169.254.169.254/latest', 'ftp://sso.example/keys'])(
    'is not sent to %s',
    async (url) => {
      const send = createTransport(() => expect.fail('it was sent'));
      await expect(send(url, options)).rejects.toMatchObject({ reason: 'unencrypted-address' });
    },
  );

  it('that fails has a code for a reason, and never a text', async () => {
    const send = createTransport(async () => {
      throw new TypeError('fetch failed', { cause: Object.assign(new Error('for doris'), { code: 'ECONNRESET' }) });
    });
    await expect(send('https://sso.example/token', options)).rejects.toMatchObject({ reason: 'ECONNRESET' });
  });
});

describe('the claims of a person', () => {
  it('have the role under the whole name of a claim before any part of it', () => {
    expect(roleIn({ 'https://clinic.example/role': 'doctor' }, 'https://clinic.example/role')).toBe('doctor');
    expect(roleIn({ 'a.b': ['patient'], a: { b: 'administrator' } }, 'a.b')).toBe('patient');
    expect(
      roleIn({ resource_access: { daybook: { roles: ['x', 'front-desk'] } } }, 'resource_access.daybook.roles'),
    ).toBe('front-desk');
    for (const path of ['constructor.name', '__proto__', 'length', 'a.b.c.d'])
      expect(roleIn({ a: 'doctor' }, path)).toBeUndefined();
  });

  it('are taken only where they have the form of ours', () => {
    const claims = { iss: 'https://sso.example', sub: 'x', name: 'a\u0007b', given_name: 'Ana', family_name: 'Silva' };
    expect(foreignPersonOf({ ...claims, email: 'not one', locale: '../x', auth_time: -1 }, 'roles')).toEqual({
      issuer: 'https://sso.example',
      subject: 'x',
      role: undefined,
      displayName: 'Ana Silva',
      email: '',
      locale: undefined,
      authenticatedAt: undefined,
    });
  });
});
