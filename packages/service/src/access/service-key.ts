/** The key by which a service proves to identity which service it is (`private_key_jwt`). */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createSecretFile,
  generatePrivateJwk,
  InvalidKey,
  importSigningKey,
  isPrivateJwk,
  type PrivateJwk,
  readSecretFile,
  type SigningKey,
  UnusableSecret,
} from '@daybook/access';
import { EXIT } from '../lifecycle/exit-codes.ts';
import { StartFailure } from '../lifecycle/start-failure.ts';

/** The services that call others, and therefore have a key. */
export const SERVICES_WITH_KEYS = ['gateway-service', 'appointment-service', 'notification-service'] as const;
export type ServiceWithKey = (typeof SERVICES_WITH_KEYS)[number];

const pathOf = (folder: string, service: ServiceWithKey): string => join(folder, `service-key-${service}.json`);

const unusable = (what: string, cause?: unknown) =>
  new StartFailure(EXIT.configuration, `${what} does not hold a private JWK of ES256.`, { cause });

function parse(text: string, what: string): PrivateJwk {
  let jwk: unknown;
  try {
    jwk = JSON.parse(text);
  } catch {
    // Without the cause, because the message of a SyntaxError quotes the text.
    throw unusable(what);
  }
  if (!isPrivateJwk(jwk)) throw unusable(what);
  return jwk;
}

/**
 * Returns the key of a service in a data folder, made at the first call. Identity and the service may call it
 * simultaneously, and get the same.
 * @throws StartFailure 78
 */
export async function prepareServiceKey(folder: string, service: ServiceWithKey): Promise<PrivateJwk> {
  const path = pathOf(folder, service);
  try {
    if ((await readSecretFile(path)) === undefined) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await createSecretFile(path, `${JSON.stringify(await generatePrivateJwk())}\n`);
    }
    return parse((await readSecretFile(path)) ?? '', `The file ${path}`);
  } catch (error) {
    if (!(error instanceof UnusableSecret)) throw error;
    throw new StartFailure(EXIT.configuration, error.message, { cause: error });
  }
}

/**
 * Returns the key of a service: the configured one, or the one of the data folder.
 * @throws StartFailure 78
 */
export async function readServiceKey(
  { DAYBOOK_DATA, DAYBOOK_SERVICE_KEY }: { DAYBOOK_DATA: string; DAYBOOK_SERVICE_KEY?: string },
  service: ServiceWithKey,
): Promise<SigningKey> {
  const jwk =
    DAYBOOK_SERVICE_KEY === undefined
      ? await prepareServiceKey(DAYBOOK_DATA, service)
      : parse(Buffer.from(DAYBOOK_SERVICE_KEY, 'base64url').toString('utf8'), 'DAYBOOK_SERVICE_KEY');
  try {
    return await importSigningKey(jwk);
  } catch (error) {
    if (!(error instanceof InvalidKey)) throw error;
    throw unusable('The key of the service', error);
  }
}
