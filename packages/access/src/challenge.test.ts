import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatChallenge, readBearerToken } from './challenge.ts';
import { InvalidAccessToken } from './token-verifier.ts';

const ISSUER = 'https://daybook.example/identity';

describe('a challenge', () => {
  it('names the issuer, and no error where the request had no token', () => {
    expect(formatChallenge({ issuer: ISSUER })).toBe(`Bearer realm="daybook", issuer="${ISSUER}"`);
  });

  it('names the metadata of the resource and the reason of the rejection', () => {
    const { error, message } = new InvalidAccessToken('expired');
    const resourceMetadata = 'https://daybook.example/.well-known/oauth-protected-resource';
    expect(formatChallenge({ issuer: ISSUER, resourceMetadata, error, description: message })).toBe(
      `Bearer realm="daybook", issuer="${ISSUER}", resource_metadata="${resourceMetadata}", ` +
        'error="invalid_token", error_description="The access token has expired. Request a new one."',
    );
  });

  it('names the scope that a token lacks', () => {
    expect(formatChallenge({ issuer: ISSUER, error: 'insufficient_scope', scope: 'getPatientEligibility' })).toBe(
      `Bearer realm="daybook", issuer="${ISSUER}", error="insufficient_scope", scope="getPatientEligibility"`,
    );
  });

  it('never holds a quote, a control character or a second header', () => {
    const written = /^Bearer realm="daybook", issuer="[^"]*", error_description="[ !#-[\]-~]+"$/;
    fc.assert(
      fc.property(fc.string({ unit: fc.oneof(fc.constantFrom('"', '\\', '\r', '\n', 'a'), fc.string()) }), (text) => {
        try {
          expect(formatChallenge({ issuer: ISSUER, description: text })).toMatch(written);
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError);
          expect(text).not.toMatch(/^[ a-z]+$/);
        }
      }),
    );
    expect(() => formatChallenge({ issuer: 'https://x"\r\nSet-Cookie: a=b' })).toThrow(TypeError);
  });
});

describe('the bearer token of a request', () => {
  it.each(['Bearer abc.def-_.~+/==', 'bearer abc.def-_.~+/==', 'BEARER   abc.def-_.~+/=='])(
    'is read from %j',
    (header) => {
      expect(readBearerToken(header)).toBe('abc.def-_.~+/==');
    },
  );

  it.each([undefined, '', 'Basic dXNlcjpwYXNz', 'Bearerabc', 'Digest x'])('is absent from %j', (header) => {
    expect(readBearerToken(header)).toBeUndefined();
  });

  it.each(['Bearer', 'Bearer ', 'Bearer a b', 'Bearer a, Bearer b', 'Bearer "a"', 'Bearer a=b', 'Bearer é'])(
    'is not read from %j, which is an invalid request',
    (header) => {
      expect(() => readBearerToken(header)).toThrow(expect.objectContaining({ error: 'invalid_request' }));
    },
  );

  it('of any header is absent, invalid, or free of blanks', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `Bearer ${text}`),
        ),
        (header) => {
          try {
            expect(readBearerToken(header) ?? 'absent').toMatch(/^[\w.~+/-]+=*$/);
          } catch (error) {
            expect(error).toBeInstanceOf(InvalidAccessToken);
          }
        },
      ),
    );
  });
});
