/**
 * Signs and verifies compact JWS in the one form that Daybook uses. The header has `alg`, `typ` and `kid` and nothing
 * else, so no header can name a key, an address, another algorithm or an extension. Header and payload are JSON exactly
 * as `JSON.stringify` writes it, so a member cannot appear twice.
 */
import { CompactSign, type CryptoKey, compactVerify, errors } from 'jose';
import { type Static, Type } from 'typebox';
import { ALGORITHM, type SigningKey } from './key-pair.ts';
import { createValidator } from './validator.ts';

/** Three parts of base64url. A signature of ES256 has 64 bytes: 86 characters, of which the last has four zero bits. */
const COMPACT = /^([\w-]+)\.[\w-]+\.[\w-]{85}[AQgw]$/;
/** `{"alg":"ES256","typ":"jwk-set+jwt","kid":…}` with a thumbprint has 140 characters. */
const MAX_HEADER_LENGTH = 256;

const Header = Type.Object(
  { alg: Type.Literal(ALGORITHM), typ: Type.String({ maxLength: 50 }), kid: Type.String({ pattern: '^[\\w-]{43}$' }) },
  { additionalProperties: false },
);
const isHeader = createValidator(Header);

export type JwsFault = 'too-long' | 'malformed' | 'header' | 'type' | 'unknown-key' | 'signature';

/** A text that is not a JWS of the expected type and key. The message holds nothing of the text. */
export class InvalidJws extends Error {
  override readonly name = 'InvalidJws';
  readonly fault: JwsFault;

  constructor(fault: JwsFault, options?: ErrorOptions) {
    super(`The JWS is not acceptable: ${fault}.`, options);
    this.fault = fault;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @throws InvalidJws `malformed` when the bytes are not exactly what `JSON.stringify` writes */
function parseExactJson(bytes: Uint8Array): unknown {
  let text: string;
  let value: unknown;
  try {
    text = utf8.decode(bytes);
    value = JSON.parse(text);
  } catch (error) {
    // Without the cause, because the message of a SyntaxError quotes the text.
    throw new InvalidJws('malformed', { cause: error instanceof Error ? error.name : typeof error });
  }
  if (JSON.stringify(value) !== text) throw new InvalidJws('malformed');
  return value;
}

function parseHeader(text: string): Static<typeof Header> {
  const part = COMPACT.exec(text)?.[1];
  if (part === undefined) throw new InvalidJws('malformed');
  if (part.length > MAX_HEADER_LENGTH) throw new InvalidJws('header');
  const value = parseExactJson(Buffer.from(part, 'base64url'));
  if (!isHeader(value)) throw new InvalidJws('header');
  return value;
}

export interface JwsExpectations {
  /** The accepted values of `typ`, in lower case. */
  readonly types: readonly string[];
  /** Longer texts are rejected unread. */
  readonly maxLength: number;
  /** Returns the key with this id. It throws when it cannot know, which `verifyJws` passes on. */
  findKey(keyId: string): Promise<CryptoKey | undefined>;
}

/** A verified payload. */
export interface VerifiedJws {
  readonly payload: unknown;
  readonly keyId: string;
}

/**
 * Verifies a JWS. Returns its payload and the id of its key.
 * @throws InvalidJws; an error of `findKey` is passed on
 */
export async function verifyJws(text: string, { types, maxLength, findKey }: JwsExpectations): Promise<VerifiedJws> {
  if (text.length > maxLength) throw new InvalidJws('too-long');
  const { typ, kid } = parseHeader(text);
  if (!types.includes(typ.toLowerCase())) throw new InvalidJws('type');
  const key = await findKey(kid);
  if (!key) throw new InvalidJws('unknown-key');
  try {
    const { payload } = await compactVerify(text, key, { algorithms: [ALGORITHM] });
    return { payload: parseExactJson(payload), keyId: kid };
  } catch (error) {
    if (error instanceof errors.JWSSignatureVerificationFailed) throw new InvalidJws('signature', { cause: error });
    if (error instanceof errors.JOSEError) throw new InvalidJws('malformed', { cause: error });
    throw error;
  }
}

/** Signs a payload, in the form that `verifyJws` accepts. */
export const signJws = (payload: object, type: string, { keyId, privateKey }: SigningKey): Promise<string> =>
  new CompactSign(new TextEncoder().encode(JSON.stringify(payload)))
    .setProtectedHeader({ alg: ALGORITHM, typ: type, kid: keyId })
    .sign(privateKey);
