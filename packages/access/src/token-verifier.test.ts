import { createHmac, createPublicKey } from 'node:crypto';
import fc from 'fast-check';
import { CompactSign, exportJWK, exportSPKI, type JWTHeaderParameters } from 'jose';
import { beforeEach, describe, expect, it } from 'vitest';
import { type AccessTokenClaims, MAX_PATIENTS, MAX_TOKEN_LENGTH, signAccessToken } from './access-token.ts';
import { CLOCK_TOLERANCE_SECONDS } from './clock.ts';
import { KeySetUnavailable } from './key-source.ts';
import {
  createFixedKeySource,
  createTestClock,
  createTestIssuer,
  createTestKey,
  TEST_ACCOUNT_ID,
  TEST_ISSUER,
  type TestClock,
  type TestIssuer,
} from './testing.ts';
import { createTokenVerifier, InvalidAccessToken, type TokenFault, type TokenVerifier } from './token-verifier.ts';

const AUDIENCES = ['daybook', 'patient-service'];
const DOCTOR_ID = '019c2f5e-0000-7000-8000-0000000000d0';
const patientId = (n: number): string => `019c2f5e-0000-7000-8000-${String(n).padStart(12, '0')}`;

let clock: TestClock;
let issuer: TestIssuer;
let verifier: TokenVerifier;

const verifierWith = (keys: Parameters<typeof createTokenVerifier>[0]['keys'], maxCachedCharacters?: number) =>
  createTokenVerifier({
    issuer: TEST_ISSUER,
    audiences: AUDIENCES,
    keys,
    clock: clock.clock,
    ...(maxCachedCharacters !== undefined && { maxCachedCharacters }),
  });

beforeEach(async () => {
  clock = createTestClock();
  issuer = await createTestIssuer(clock);
  verifier = verifierWith(createFixedKeySource([issuer.key.verification]));
});

async function faultOf(token: string): Promise<TokenFault> {
  try {
    await verifier.verify(token);
  } catch (error) {
    if (error instanceof InvalidAccessToken) return error.fault;
    throw error;
  }
  throw new Error('the token was accepted');
}

const base64url = (text: string): string => Buffer.from(text).toString('base64url');

/** Signs any payload text under any header with the genuine key, as only a broken issuer would. */
const signRaw = (payload: string, header: Partial<JWTHeaderParameters> = {}, key = issuer.key.signing) =>
  new CompactSign(new TextEncoder().encode(payload))
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: key.keyId, ...header })
    .sign(key.privateKey);

const partsOf = (token: string): [string, string, string] => {
  const [header = '', payload = '', signature = ''] = token.split('.');
  return [header, payload, signature];
};

describe('an accepted token', () => {
  it('names a patient and the patients that the account may act for', async () => {
    const token = await issuer.sign({ patient_ids: [patientId(1), patientId(2)], sid: 'session-hash' });
    expect(await verifier.verify(token)).toEqual({
      id: TEST_ACCOUNT_ID,
      role: 'patient',
      patientIds: [patientId(1), patientId(2)],
      sessionId: 'session-hash',
    });
  });

  it('names a doctor', async () => {
    const token = await issuer.sign({ role: 'doctor', doctor_id: DOCTOR_ID });
    expect(await verifier.verify(token)).toMatchObject({ role: 'doctor', doctorId: DOCTOR_ID, patientIds: [] });
  });

  it('names a service and the operations that it is for', async () => {
    const token = await issuer.sign({
      ...{ aud: 'patient-service', sub: 'appointment-service', client_id: 'appointment-service' },
      ...{ role: 'service', scope: 'getPatientEligibility getAvailability' },
    });
    expect(await verifier.verify(token)).toMatchObject({
      id: 'appointment-service',
      role: 'service',
      scope: ['getPatientEligibility', 'getAvailability'],
    });
  });

  it('may act for the most patients', async () => {
    const patient_ids = Array.from({ length: MAX_PATIENTS }, (_, n) => patientId(n));
    expect((await verifier.verify(await issuer.sign({ patient_ids }))).patientIds).toEqual(patient_ids);
  });

  it('gives a caller that no request can change for the next one', async () => {
    const caller = await verifier.verify(await issuer.sign({ patient_ids: [patientId(1)] }));
    expect(() => Object.assign(caller, { role: 'administrator' })).toThrow(TypeError);
    expect(() => Object.assign(caller.patientIds, { 0: patientId(2) })).toThrow(TypeError);
  });

  it('may have claims that this version does not know', async () => {
    const token = await signRaw(JSON.stringify({ ...issuer.claims(), amr: ['pwd'] }));
    expect(await verifier.verify(token)).toMatchObject({ id: TEST_ACCOUNT_ID });
  });

  it('may have the long form of its type', async () => {
    const token = await signRaw(JSON.stringify(issuer.claims()), { typ: 'application/at+jwt' });
    expect(await verifier.verify(token)).toMatchObject({ id: TEST_ACCOUNT_ID });
  });
});

describe('a token is rejected', () => {
  const tolerance = CLOCK_TOLERANCE_SECONDS;

  it.each<[string, (now: number) => Partial<AccessTokenClaims>, TokenFault]>([
    ['of another issuer', () => ({ iss: 'https://elsewhere.example/identity' }), 'issuer'],
    ['of an issuer that only begins the same', () => ({ iss: `${TEST_ISSUER}/` }), 'issuer'],
    ['for another audience', () => ({ aud: 'doctor-service' }), 'audience'],
    ['that has expired', (now) => ({ iat: now - 300, exp: now - 1 }), 'expired'],
    ['in the second in which it expires', (now) => ({ iat: now - 300, exp: now }), 'expired'],
    ['from the future', (now) => ({ iat: now + tolerance + 1, exp: now + 300 }), 'not-yet-valid'],
    ['that is not valid yet', (now) => ({ nbf: now + tolerance + 1 }), 'not-yet-valid'],
  ])('%s', async (_, changes, fault) => {
    expect(await faultOf(await issuer.sign(changes(clock.nowSeconds())))).toBe(fault);
  });

  it('that would live too long', async () => {
    const claims = issuer.claims({ exp: clock.nowSeconds() + 86_400 });
    await expect(signAccessToken(claims, issuer.key.signing)).rejects.toThrow(TypeError);
    expect(await faultOf(await signRaw(JSON.stringify(claims)))).toBe('lifetime');
  });

  it('not because the clocks differ a little', async () => {
    const now = clock.nowSeconds();
    const token = await issuer.sign({ iat: now + tolerance, nbf: now + tolerance, exp: now + 300 });
    expect(await verifier.verify(token)).toMatchObject({ id: TEST_ACCOUNT_ID });
  });

  it.each<[string, Record<string, unknown>]>([
    ['without a role', { role: undefined }],
    ['with an unknown role', { role: 'superuser' }],
    ['with several roles', { role: ['patient', 'administrator'] }],
    ['with several audiences', { aud: ['daybook', 'doctor-service'] }],
    ['without an expiry', { exp: undefined }],
    ['with an expiry that is text', { exp: '9999999999' }],
    ['with a fraction of a second', { exp: 1_796_116_200.5 }],
    ['without a time of issue', { iat: undefined }],
    ['without a subject', { sub: undefined }],
    ['with an empty subject', { sub: '' }],
    ['with a subject of control characters', { sub: 'a\nb' }],
    ['without an id', { jti: undefined }],
    ['without a client', { client_id: undefined }],
    ['with a patient that is not a list', { patient_ids: patientId(1) }],
    ['with a patient that is not an id', { patient_ids: ['*'] }],
    ['with a patient in capitals', { patient_ids: ['019C2F5E-0000-7000-8000-00000000000A'] }],
    ['with a patient twice', { patient_ids: [patientId(1), patientId(1)] }],
    ['with too many patients', { patient_ids: Array.from({ length: MAX_PATIENTS + 1 }, (_, n) => patientId(n)) }],
    ['with several doctors', { doctor_id: [DOCTOR_ID] }],
    ['with a scope that is a list', { scope: ['getPatient'] }],
    ['with a scope of blanks', { scope: ' ' }],
  ])('%s', async (_, changes) => {
    const claims = { ...issuer.claims(), ...changes };
    expect(await faultOf(await signRaw(JSON.stringify(claims)))).toBe('claims');
    // A lying cast would hide what this shows: the signing side rejects the same.
    await expect(Reflect.apply(signAccessToken, undefined, [claims, issuer.key.signing])).rejects.toThrow(TypeError);
  });

  it.each(['null', '[]', '"patient"', '1', '{}'])('with the payload %s', async (payload) => {
    expect(await faultOf(await signRaw(payload))).toBe('claims');
  });

  it.each(['', '{', '{"role":"patient"', '\u0000'])('with the payload %j, which is not JSON', async (payload) => {
    expect(await faultOf(await signRaw(payload))).toBe('malformed');
  });

  it('with a claim twice, which readers could understand differently', async () => {
    const claims = JSON.stringify(issuer.claims());
    const twice = claims.replace('"role":"patient"', '"role":"patient","role":"administrator"');
    expect(JSON.parse(twice)).toMatchObject({ role: 'administrator' });
    expect(await faultOf(await signRaw(twice))).toBe('malformed');
  });

  it('in another encoding than UTF-8', async () => {
    const bytes = Buffer.from(JSON.stringify(issuer.claims({ client_id: 'web' })).replace('web', 'w\u00eb'), 'latin1');
    const token = await new CompactSign(bytes)
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: issuer.key.signing.keyId })
      .sign(issuer.key.signing.privateKey);
    expect(await faultOf(token)).toBe('malformed');
  });
});

describe('an attacker', () => {
  const headerOf = (changes: Record<string, unknown> = {}): string =>
    base64url(JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid: issuer.key.signing.keyId, ...changes }));
  const administrator = (): string => base64url(JSON.stringify(issuer.claims({ role: 'administrator' })));

  it.each(['none', 'None', 'NONE', ''])('cannot sign with alg %j', async (alg) => {
    const [, , signature] = partsOf(await issuer.sign());
    expect(await faultOf(`${headerOf({ alg })}.${administrator()}.`)).toBe('malformed');
    expect(await faultOf(`${headerOf({ alg })}.${administrator()}.${signature}`)).toBe('header');
  });

  it('cannot sign HS256 with the public key as the secret', async () => {
    const { publicKey } = issuer.key.verification;
    const jwk = await exportJWK(publicKey);
    const der = createPublicKey({ key: { ...jwk }, format: 'jwk' }).export({ format: 'der', type: 'spki' });
    for (const secret of [await exportSPKI(publicKey), JSON.stringify(jwk), der]) {
      for (const alg of ['HS256', 'ES256']) {
        const signed = `${headerOf({ alg })}.${administrator()}`;
        const mac = createHmac('sha256', secret).update(signed).digest();
        expect(['malformed', 'header']).toContain(await faultOf(`${signed}.${mac.toString('base64url')}`));
        const long = Buffer.concat([mac, mac]).toString('base64url');
        expect(await faultOf(`${signed}.${long}`)).toBe(alg === 'ES256' ? 'signature' : 'header');
      }
    }
  });

  it.each(['ES384', 'ES512', 'ES256K', 'EdDSA', 'RS256', 'PS256', 'HS512', 'es256'])(
    'cannot choose the algorithm %s',
    async (alg) => {
      const [, , signature] = partsOf(await issuer.sign());
      expect(await faultOf(`${headerOf({ alg })}.${administrator()}.${signature}`)).toBe('header');
    },
  );

  it('cannot sign with a key of its own under its own id', async () => {
    const own = await createTestKey();
    expect(await faultOf(await signAccessToken(issuer.claims(), own.signing))).toBe('unknown-key');
  });

  it('cannot sign with a key of its own under the id of ours', async () => {
    const own = await createTestKey();
    const pretending = { ...own.signing, keyId: issuer.key.signing.keyId };
    expect(await faultOf(await signAccessToken(issuer.claims(), pretending))).toBe('signature');
  });

  it('cannot use the root key, which signs key sets only', async () => {
    expect(await faultOf(await signAccessToken(issuer.claims(), issuer.rootKey.signing))).toBe('unknown-key');
  });

  it.each([
    ['a path', '../../dev/null'],
    ['SQL', "' or 1=1 --"],
    ['nothing', ''],
    ['a long text', 'x'.repeat(43_000)],
    ['a control character', '\u0000'],
  ])('cannot name a key by %s', async (_, kid) => {
    const [, payload, signature] = partsOf(await issuer.sign());
    expect(['header', 'too-long']).toContain(await faultOf(`${headerOf({ kid })}.${payload}.${signature}`));
  });

  it('cannot bring a key along', async () => {
    const own = await createTestKey();
    const jwk = await exportJWK(own.verification.publicKey);
    for (const kid of [own.signing.keyId, issuer.key.signing.keyId]) {
      expect(await faultOf(await signRaw(JSON.stringify(issuer.claims()), { jwk, kid }, own.signing))).toBe('header');
    }
  });

  it.each([
    ['jku', 'https://attacker.example/keys'],
    ['x5u', 'https://attacker.example/certificate'],
    ['x5c', ['MIIB']],
    ['crit', ['exp']],
    ['b64', false],
    ['zip', 'DEF'],
    ['cty', 'JWT'],
    ['toString', 'x'],
  ])('cannot use the header %s', async (name, value) => {
    const [, payload] = partsOf(await issuer.sign());
    const signed = `${headerOf({ [name]: value })}.${payload}`;
    const { privateKey } = issuer.key.signing;
    // Signed by hand with the genuine key, so that only the header is wrong.
    const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, privateKey, Buffer.from(signed));
    expect(await faultOf(`${signed}.${Buffer.from(signature).toString('base64url')}`)).toBe('header');
  });

  it('cannot hide a header behind one with the same name', async () => {
    const { keyId } = issuer.key.signing;
    const twice = base64url(`{"alg":"none","typ":"at+jwt","kid":"${keyId}","alg":"ES256"}`);
    const [, payload, signature] = partsOf(await issuer.sign());
    expect(await faultOf(`${twice}.${payload}.${signature}`)).toBe('malformed');
  });

  it.each(['JWT', 'jwt', 'id+jwt', 'jwk-set+jwt', 'logout+jwt', undefined])(
    'cannot use a token of type %s',
    async (typ) => {
      const { keyId, privateKey } = issuer.key.signing;
      const token = await new CompactSign(new TextEncoder().encode(JSON.stringify(issuer.claims())))
        .setProtectedHeader({ alg: 'ES256', kid: keyId, ...(typ !== undefined && { typ }) })
        .sign(privateKey);
      expect(await faultOf(token)).toBe(typ === undefined ? 'header' : 'type');
    },
  );

  it('cannot change the payload', async () => {
    const [header, , signature] = partsOf(await issuer.sign());
    expect(await faultOf(`${header}.${administrator()}.${signature}`)).toBe('signature');
  });

  it('cannot use an empty signature of zeros (CVE-2022-21449)', async () => {
    const zeros = Buffer.alloc(64).toString('base64url');
    expect(await faultOf(`${headerOf()}.${administrator()}.${zeros}`)).toBe('signature');
  });

  it('cannot make the server read a huge token', async () => {
    const token = await issuer.sign();
    for (const huge of [token + 'A'.repeat(MAX_TOKEN_LENGTH), '.'.repeat(50_000_000), `${'e'.repeat(9_000)}.e.e`]) {
      expect(await faultOf(huge)).toBe('too-long');
    }
  });

  it('cannot exhaust the stack with nested JSON', async () => {
    const nested = base64url('['.repeat(4_000) + ']'.repeat(1_000));
    expect(await faultOf(`${nested}.e.${'A'.repeat(86)}`)).toBe('header');
  });

  it('learns the same from each forged token', async () => {
    const messages = new Set<string>();
    const other = await createTestKey();
    const forged = [
      'x',
      await issuer.sign({ aud: 'doctor-service' }),
      await signAccessToken(issuer.claims(), other.signing),
      await signRaw('{}'),
    ];
    for (const token of forged) {
      const error: unknown = await verifier.verify(token).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(InvalidAccessToken);
      expect(error).toMatchObject({ error: 'invalid_token' });
      messages.add(String(error));
    }
    expect(messages.size).toBe(1);
  });
});

describe('properties', () => {
  it('any text is rejected as an invalid token, and with nothing else', async () => {
    const [header, payload, signature] = partsOf(await issuer.sign());
    const part = fc.oneof(fc.base64String(), fc.string(), fc.constantFrom(header, payload, signature, ''));
    const text = fc.oneof(
      fc.array(fc.nat(0xffff)).map((units) => String.fromCharCode(...units)),
      fc.array(part, { maxLength: 5 }).map((parts) => parts.join('.')),
    );
    await fc.assert(
      fc.asyncProperty(text, async (token) => {
        fc.pre(token !== `${header}.${payload}.${signature}`);
        expect(await faultOf(token)).toBeTypeOf('string');
      }),
      { numRuns: 300 },
    );
  });

  it('any changed character invalidates a token', async () => {
    const token = await issuer.sign({ patient_ids: [patientId(1)] });
    await verifier.verify(token);
    const character = fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.= \n');
    await fc.assert(
      fc.asyncProperty(fc.nat(token.length - 1), character, async (position, replacement) => {
        fc.pre(token[position] !== replacement);
        await faultOf(token.slice(0, position) + replacement + token.slice(position + 1));
      }),
      { numRuns: 500 },
    );
    // The last character of the signature has four bits that a lenient reader would ignore.
    for (const last of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') {
      if (!token.endsWith(last)) await faultOf(token.slice(0, -1) + last);
    }
  });

  it('any truncated or extended token is rejected', async () => {
    const token = await issuer.sign();
    await fc.assert(
      fc.asyncProperty(fc.nat(token.length - 1), async (length) => {
        expect(['malformed', 'header', 'signature']).toContain(await faultOf(token.slice(0, length)));
      }),
      { numRuns: 200 },
    );
    for (const more of ['A', '.', '.A', ' ', '\n', '=', '\u0000'])
      expect(await faultOf(token + more)).toBe('malformed');
  });

  it('a verified token names exactly what was signed', async () => {
    const id = fc.uuid();
    const changes = fc.record(
      {
        sub: id,
        role: fc.constantFrom('patient', 'doctor', 'front-desk', 'administrator', 'service'),
        patient_ids: fc.uniqueArray(id, { maxLength: MAX_PATIENTS }),
        doctor_id: id,
        sid: fc.stringMatching(/^[A-Za-z0-9][\w-]{0,40}$/),
        scope: fc
          .array(fc.stringMatching(/^[A-Za-z]{1,30}$/), { minLength: 1, maxLength: 20 })
          .map((ids) => ids.join(' ')),
      },
      { requiredKeys: ['role'] },
    );
    await fc.assert(
      fc.asyncProperty(changes, async ({ ...given }) => {
        const caller = await verifier.verify(await issuer.sign(given));
        expect(caller).toEqual({
          id: given.sub ?? TEST_ACCOUNT_ID,
          role: given.role,
          patientIds: given.patient_ids ?? [],
          ...(given.doctor_id !== undefined && { doctorId: given.doctor_id }),
          ...(given.sid !== undefined && { sessionId: given.sid }),
          ...(given.scope !== undefined && { scope: given.scope.split(' ') }),
        });
      }),
      { numRuns: 100 },
    );
  });
});

describe('the cache', () => {
  /** Returns a source that counts its uses. */
  function countedKeys() {
    const fixed = createFixedKeySource([issuer.key.verification]);
    let finds = 0;
    let held = true;
    return {
      finds: () => finds,
      drop: () => {
        held = false;
      },
      peek: (keyId: string) => (held ? fixed.peek(keyId) : undefined),
      find: async (keyId: string) => {
        finds += 1;
        return held ? fixed.find(keyId) : undefined;
      },
    };
  }

  it('verifies a token once, also for simultaneous requests', async () => {
    const keys = countedKeys();
    verifier = verifierWith(keys);
    const token = await issuer.sign();
    const callers = await Promise.all(Array.from({ length: 100 }, () => verifier.verify(token)));
    expect(await verifier.verify(token)).toBe(callers[0]);
    expect(new Set(callers).size).toBe(1);
    expect(keys.finds()).toBe(1);
  });

  it('keeps no verdict beyond the expiry of the token', async () => {
    const token = await issuer.sign({ exp: clock.nowSeconds() + 300 });
    await verifier.verify(token);
    clock.advance(299_999);
    await verifier.verify(token);
    clock.advance(1);
    expect(await faultOf(token)).toBe('expired');
  });

  it('keeps no verdict beyond the key that gave it', async () => {
    const keys = countedKeys();
    verifier = verifierWith(keys);
    const token = await issuer.sign();
    await verifier.verify(token);
    keys.drop();
    expect(await faultOf(token)).toBe('unknown-key');
  });

  it('remembers no rejection', async () => {
    const keys = countedKeys();
    verifier = verifierWith(keys);
    const token = await issuer.sign({ nbf: clock.nowSeconds() + 100 });
    expect(await faultOf(token)).toBe('not-yet-valid');
    clock.advance(100_000);
    expect(await verifier.verify(token)).toMatchObject({ id: TEST_ACCOUNT_ID });
    const forged = await issuer.sign({ aud: 'doctor-service' });
    for (let round = 0; round < 3; round += 1) expect(await faultOf(forged)).toBe('audience');
    expect(keys.finds()).toBe(5);
  });

  it('is bounded, and drops the token that was not used for longest', async () => {
    const keys = countedKeys();
    const tokens = [await issuer.sign(), await issuer.sign(), await issuer.sign()] as const;
    verifier = verifierWith(keys, Math.max(tokens[0].length + tokens[1].length, tokens[0].length + tokens[2].length));
    await verifier.verify(tokens[0]);
    await verifier.verify(tokens[1]);
    await verifier.verify(tokens[0]);
    await verifier.verify(tokens[2]);
    expect(keys.finds()).toBe(3);
    await verifier.verify(tokens[0]);
    expect(keys.finds()).toBe(3);
    await verifier.verify(tokens[1]);
    expect(keys.finds()).toBe(4);
  });

  it('does not mistake a token for another one', async () => {
    const patient = await issuer.sign();
    const administrator = await issuer.sign({ role: 'administrator' });
    for (let round = 0; round < 2; round += 1) {
      expect(await verifier.verify(patient)).toMatchObject({ role: 'patient' });
      expect(await verifier.verify(administrator)).toMatchObject({ role: 'administrator' });
    }
  });
});

it('a verifier without a key set reports that it cannot know, not that the token is invalid', async () => {
  verifier = verifierWith({
    peek: () => undefined,
    find: () => Promise.reject(new KeySetUnavailable(7)),
  });
  await expect(verifier.verify(await issuer.sign())).rejects.toMatchObject({
    name: 'KeySetUnavailable',
    retryAfterSeconds: 7,
  });
});
