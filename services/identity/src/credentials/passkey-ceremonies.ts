/**
 * Registers and verifies passkeys (WebAuthn). A challenge is not stored: it is a signed time and purpose, bound to the
 * browser. A challenge that was used is stored until it expires, so none is accepted twice.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { idFromBytes, idToBytes } from '@daybook/database';
import { type Clock, createValidator } from '@daybook/service';
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server';
import { Type } from 'typebox';

/** What a challenge is for. A registration is for one account. */
export type Ceremony = { readonly kind: 'sign-in' } | { readonly kind: 'register'; readonly accountId: string };

/** A passkey that a browser has created. */
export interface CreatedPasskey {
  readonly credentialId: string;
  readonly publicKey: string;
  readonly signCount: number;
}

/** A passkey as far as its verification needs it. */
export interface KnownPasskey extends CreatedPasskey {
  readonly accountId: string;
}

export interface PasskeyPerson {
  readonly id: string;
  readonly email: string;
  readonly displayName: string;
}

/** What a browser sends to sign in. */
export interface SignInResponse {
  readonly credentialId: string;
  readonly challenge: string;
  /** Returns the new counter, or undefined if the response is not from the passkey. */
  verify(passkey: KnownPasskey): Promise<number | undefined>;
}

/** `browser` is the form token of the page, which belongs to one browser and its present session. */
export interface PasskeyCeremonies {
  /** Returns the options of `navigator.credentials.create`, as JSON. Undefined where no browser offers passkeys. */
  creationOptions(person: PasskeyPerson, existing: readonly string[], browser: string): Promise<string | undefined>;
  /** Returns the options of `navigator.credentials.get`, as JSON. Undefined where no browser offers passkeys. */
  requestOptions(browser: string): string | undefined;
  /** Returns the new passkey of a response, with its challenge, or undefined if it is not acceptable. */
  verifyCreation(
    text: string,
    accountId: string,
    browser: string,
  ): Promise<{ passkey: CreatedPasskey; challenge: string } | undefined>;
  /** Returns a response in the right form to a live challenge of this browser. */
  readSignIn(text: string, browser: string): SignInResponse | undefined;
}

export const CHALLENGE_LIVES_MILLIS = 15 * 60_000;
const RANDOM_BYTES = 16;
const TIME_BYTES = 8;
const HEAD_BYTES = RANDOM_BYTES + TIME_BYTES;
const CHALLENGE_BYTES = HEAD_BYTES + 32;
/** The person has this time for the authenticator. */
const TIMEOUT_MILLIS = 5 * 60_000;
const RELYING_PARTY = 'Daybook';
const ES256 = -7;
const EDDSA = -8;
const RS256 = -257;
const ALGORITHMS = [EDDSA, ES256, RS256];

const Base64Url = (maxLength: number) => Type.String({ pattern: '^[\\w-]+$', maxLength });
const common = {
  id: Base64Url(1_400),
  rawId: Base64Url(1_400),
  type: Type.Literal('public-key'),
  authenticatorAttachment: Type.Optional(Type.Union([Type.Literal('platform'), Type.Literal('cross-platform')])),
  clientExtensionResults: Type.Object({}),
};
const readCreated = createValidator(
  Type.Object({
    ...common,
    response: Type.Object({ clientDataJSON: Base64Url(4_000), attestationObject: Base64Url(12_000) }),
  }),
);
const readAsserted = createValidator(
  Type.Object({
    ...common,
    response: Type.Object({
      clientDataJSON: Base64Url(4_000),
      authenticatorData: Base64Url(4_000),
      signature: Base64Url(4_000),
      userHandle: Type.Optional(Base64Url(100)),
    }),
  }),
);
const readClientData = createValidator(Type.Object({ challenge: Base64Url(200) }));

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export function createPasskeyCeremonies(options: {
  readonly publicUrl: URL;
  readonly key: Uint8Array;
  readonly clock: Clock;
}): PasskeyCeremonies {
  const { publicUrl, key, clock } = options;
  const rpID = publicUrl.hostname;
  /** Browsers offer passkeys for names, and not for addresses. */
  const isOffered = isIP(rpID.replace(/^\[|\]$/g, '')) === 0;
  const now = () => clock().epochMilliseconds;
  // It parses certificates, which most starts do not need.
  const load = () => import('@simplewebauthn/server');

  const macOf = (head: Uint8Array, ceremony: Ceremony, browser: string): Buffer => {
    const subject = ceremony.kind === 'register' ? ceremony.accountId : '';
    return createHmac('sha256', key)
      .update(head)
      .update(JSON.stringify([ceremony.kind, subject, browser]))
      .digest();
  };

  function newChallenge(ceremony: Ceremony, browser: string): Uint8Array<ArrayBuffer> {
    const head = Buffer.alloc(HEAD_BYTES);
    randomBytes(RANDOM_BYTES).copy(head);
    head.writeBigUInt64BE(BigInt(now()), RANDOM_BYTES);
    return Uint8Array.from(Buffer.concat([head, macOf(head, ceremony, browser)]));
  }

  function isLive(challenge: string, ceremony: Ceremony, browser: string): boolean {
    const bytes = Buffer.from(challenge, 'base64url');
    if (bytes.length !== CHALLENGE_BYTES) return false;
    const head = bytes.subarray(0, HEAD_BYTES);
    if (!timingSafeEqual(bytes.subarray(HEAD_BYTES), macOf(head, ceremony, browser))) return false;
    const age = now() - Number(head.readBigUInt64BE(RANDOM_BYTES));
    return age >= 0 && age < CHALLENGE_LIVES_MILLIS;
  }

  const challengeIn = (clientDataJson: string): string | undefined => {
    const read = readClientData(parseJson(Buffer.from(clientDataJson, 'base64url').toString('utf8')));
    return 'faults' in read ? undefined : read.value.challenge;
  };

  return {
    async creationOptions({ id, email, displayName }, existing, browser) {
      if (!isOffered) return undefined;
      const { generateRegistrationOptions } = await load();
      const made = await generateRegistrationOptions({
        rpName: RELYING_PARTY,
        rpID,
        userID: Uint8Array.from(idToBytes(id)),
        userName: email,
        userDisplayName: displayName,
        challenge: newChallenge({ kind: 'register', accountId: id }, browser),
        timeout: TIMEOUT_MILLIS,
        attestationType: 'none',
        excludeCredentials: existing.map((credentialId) => ({ id: credentialId })),
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
        supportedAlgorithmIDs: ALGORITHMS,
      });
      return JSON.stringify(made);
    },

    requestOptions(browser) {
      if (!isOffered) return undefined;
      const challenge = Buffer.from(newChallenge({ kind: 'sign-in' }, browser)).toString('base64url');
      return JSON.stringify({ challenge, rpId: rpID, timeout: TIMEOUT_MILLIS, userVerification: 'required' });
    },

    async verifyCreation(text, accountId, browser) {
      const read = readCreated(parseJson(text));
      if ('faults' in read) return undefined;
      const response: RegistrationResponseJSON = { ...read.value, clientExtensionResults: {} };
      const challenge = challengeIn(response.response.clientDataJSON);
      if (challenge === undefined || !isLive(challenge, { kind: 'register', accountId }, browser)) return undefined;
      const { verifyRegistrationResponse } = await load();
      try {
        const { verified, registrationInfo } = await verifyRegistrationResponse({
          response,
          expectedChallenge: challenge,
          expectedOrigin: publicUrl.origin,
          expectedRPID: rpID,
          requireUserVerification: true,
          supportedAlgorithmIDs: ALGORITHMS,
        });
        if (!verified) return undefined;
        const { id, publicKey, counter } = registrationInfo.credential;
        const passkey = {
          credentialId: id,
          publicKey: Buffer.from(publicKey).toString('base64url'),
          signCount: counter,
        };
        return { passkey, challenge };
      } catch {
        // The library throws for each fault of a response, and has no type of its own for that.
        return undefined;
      }
    },

    readSignIn(text, browser) {
      const read = readAsserted(parseJson(text));
      if ('faults' in read) return undefined;
      const response: AuthenticationResponseJSON = { ...read.value, clientExtensionResults: {} };
      const { clientDataJSON, userHandle } = response.response;
      const challenge = challengeIn(clientDataJSON);
      if (challenge === undefined || !isLive(challenge, { kind: 'sign-in' }, browser)) return undefined;
      return {
        credentialId: response.id,
        challenge,
        async verify({ credentialId, accountId, publicKey, signCount }) {
          // A discoverable credential names its account.
          if (userHandle === undefined || idFromBytes(Buffer.from(userHandle, 'base64url')) !== accountId) {
            return undefined;
          }
          const { verifyAuthenticationResponse } = await load();
          try {
            const { verified, authenticationInfo } = await verifyAuthenticationResponse({
              response,
              expectedChallenge: challenge,
              expectedOrigin: publicUrl.origin,
              expectedRPID: rpID,
              requireUserVerification: true,
              credential: {
                id: credentialId,
                publicKey: Uint8Array.from(Buffer.from(publicKey, 'base64url')),
                counter: signCount,
              },
            });
            return verified ? authenticationInfo.newCounter : undefined;
          } catch {
            // As above.
            return undefined;
          }
        },
      };
    },
  };
}
