/** Reads the keys of the gateway: the trust anchor, and the key by which it proves to identity which service it is. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createSecretFile,
  generatePrivateJwk,
  InvalidKey,
  importSigningKey,
  isPrivateJwk,
  parseIdentityKey,
  prepareRootKey,
  readSecretFile,
  type SigningKey,
  UnusableSecret,
  type VerificationKey,
} from '@daybook/access';
import { EXIT, StartFailure } from '@daybook/service';
import type { GatewayConfig } from './config.ts';

/** Identity reads the public half of the same file. */
const SERVICE_KEY_FILE = 'service-key-gateway-service.json';

export interface GatewayKeys {
  readonly rootKey: VerificationKey;
  readonly serviceKey: SigningKey;
}

type KeyConfig = Pick<GatewayConfig, 'DAYBOOK_DATA' | 'DAYBOOK_IDENTITY_KEY' | 'DAYBOOK_SERVICE_KEY'>;

async function parseServiceKey(text: string, source: string): Promise<SigningKey> {
  const unusable = () => new UnusableSecret(`${source} does not hold a private JWK of ES256.`);
  let jwk: unknown;
  try {
    jwk = JSON.parse(text);
  } catch {
    // Without the cause, because the message of a SyntaxError quotes the text.
    throw unusable();
  }
  if (!isPrivateJwk(jwk)) throw unusable();
  try {
    return await importSigningKey(jwk);
  } catch (error) {
    if (!(error instanceof InvalidKey)) throw error;
    throw unusable();
  }
}

async function readServiceKey({ DAYBOOK_DATA, DAYBOOK_SERVICE_KEY }: KeyConfig): Promise<SigningKey> {
  if (DAYBOOK_SERVICE_KEY !== undefined) {
    return parseServiceKey(Buffer.from(DAYBOOK_SERVICE_KEY, 'base64url').toString('utf8'), 'DAYBOOK_SERVICE_KEY');
  }
  const path = join(DAYBOOK_DATA, SERVICE_KEY_FILE);
  if ((await readSecretFile(path)) === undefined) {
    await createSecretFile(path, `${JSON.stringify(await generatePrivateJwk())}\n`);
  }
  return parseServiceKey((await readSecretFile(path)) ?? '', `The file ${path}`);
}

/** @throws StartFailure 78 when a key cannot be used */
export async function readKeys(config: KeyConfig): Promise<GatewayKeys> {
  const { DAYBOOK_DATA, DAYBOOK_IDENTITY_KEY } = config;
  try {
    if (DAYBOOK_IDENTITY_KEY === undefined || config.DAYBOOK_SERVICE_KEY === undefined) {
      await mkdir(DAYBOOK_DATA, { recursive: true, mode: 0o700 });
    }
    return {
      rootKey:
        DAYBOOK_IDENTITY_KEY === undefined
          ? (await prepareRootKey(DAYBOOK_DATA)).verification
          : await parseIdentityKey(DAYBOOK_IDENTITY_KEY),
      serviceKey: await readServiceKey(config),
    };
  } catch (error) {
    if (!(error instanceof UnusableSecret)) throw error;
    throw new StartFailure(EXIT.configuration, error.message, { cause: error });
  }
}
