/** For tests: an authenticator in software, with real keys, CBOR and signatures. */
import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

const sha256 = (data: string | Uint8Array): Buffer => createHash('sha256').update(data).digest();

/** Returns the head of a CBOR item (RFC 8949). */
function head(major: number, value: number): Buffer {
  if (value < 24) return Buffer.from([(major << 5) | value]);
  if (value < 256) return Buffer.from([(major << 5) | 24, value]);
  return Buffer.from([(major << 5) | 25, value >> 8, value & 255]);
}
const integer = (value: number): Buffer => (value >= 0 ? head(0, value) : head(1, -1 - value));
const bytes = (value: Uint8Array): Buffer => Buffer.concat([head(2, value.length), value]);
const text = (value: string): Buffer => Buffer.concat([head(3, value.length), Buffer.from(value)]);
const map = (entries: readonly (readonly [Buffer, Buffer])[]): Buffer =>
  Buffer.concat([head(5, entries.length), ...entries.flat()]);

const PRESENT = 0x01;
const VERIFIED = 0x04;
const HAS_CREDENTIAL = 0x40;

interface Credential {
  readonly id: Buffer;
  readonly userHandle: string;
  readonly rpId: string;
  readonly privateKey: KeyObject;
  signCount: number;
}

/** What a page gives to the browser. */
interface Options {
  readonly challenge: string;
  readonly rpId?: string;
  readonly rp?: { readonly id: string };
  readonly user?: { readonly id: string };
}

export interface AuthenticatorSettings {
  /** Whether the person unlocks the authenticator. */
  readonly isVerified?: boolean;
  readonly origin?: string;
}

export function createAuthenticator(origin: string, { hasCounter = false } = {}) {
  let credential: Credential | undefined;

  const clientData = (type: string, challenge: string, from: string): Buffer =>
    Buffer.from(JSON.stringify({ type, challenge, origin: from, crossOrigin: false }));

  function authenticatorData({ rpId, signCount }: Credential, flags: number, attested = Buffer.alloc(0)): Buffer {
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(signCount);
    return Buffer.concat([sha256(rpId), Buffer.from([flags]), counter, attested]);
  }

  return {
    /** Creates a passkey for the options of a page, and returns what the page sends. */
    create(options: string, { isVerified = true, origin: from = origin }: AuthenticatorSettings = {}): string {
      const { challenge, rp, user }: Options = JSON.parse(options);
      const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
      const id = randomBytes(32);
      credential = {
        ...{ id, privateKey, userHandle: user?.id ?? '', rpId: rp?.id ?? '' },
        signCount: hasCounter ? 1 : 0,
      };
      const key = map([
        [integer(1), integer(2)],
        [integer(3), integer(-7)],
        [integer(-1), integer(1)],
        [integer(-2), bytes(Buffer.from(x, 'base64url'))],
        [integer(-3), bytes(Buffer.from(y, 'base64url'))],
      ]);
      const length = Buffer.from([0, id.length]);
      const attested = Buffer.concat([Buffer.alloc(16), length, id, key]);
      const flags = PRESENT | HAS_CREDENTIAL | (isVerified ? VERIFIED : 0);
      const attestationObject = map([
        [text('fmt'), text('none')],
        [text('attStmt'), map([])],
        [text('authData'), bytes(authenticatorData(credential, flags, attested))],
      ]);
      return JSON.stringify({
        id: id.toString('base64url'),
        rawId: id.toString('base64url'),
        type: 'public-key',
        authenticatorAttachment: 'platform',
        clientExtensionResults: {},
        response: {
          clientDataJSON: clientData('webauthn.create', challenge, from).toString('base64url'),
          attestationObject: attestationObject.toString('base64url'),
          transports: ['internal'],
        },
      });
    },

    /** Signs in with the passkey. */
    get(options: string, { isVerified = true, origin: from = origin }: AuthenticatorSettings = {}): string {
      const { challenge }: Options = JSON.parse(options);
      if (!credential) throw new Error('the authenticator has no passkey');
      if (hasCounter) credential.signCount += 1;
      const data = authenticatorData(credential, PRESENT | (isVerified ? VERIFIED : 0));
      const client = clientData('webauthn.get', challenge, from);
      const signature = sign('sha256', Buffer.concat([data, sha256(client)]), credential.privateKey);
      return JSON.stringify({
        id: credential.id.toString('base64url'),
        rawId: credential.id.toString('base64url'),
        type: 'public-key',
        clientExtensionResults: {},
        response: {
          clientDataJSON: client.toString('base64url'),
          authenticatorData: data.toString('base64url'),
          signature: signature.toString('base64url'),
          userHandle: credential.userHandle,
        },
      });
    },

    /** Sets the counter, as a copy of the authenticator would have it. */
    rewind(signCount: number): void {
      if (credential) credential.signCount = signCount;
    },

    /** Replaces the key and keeps the id, as a thief of ids would. */
    forge(): void {
      if (credential) {
        const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
        credential = {
          ...credential,
          privateKey: createPrivateKey(privateKey.export({ format: 'pem', type: 'pkcs8' })),
        };
      }
    },
  };
}
