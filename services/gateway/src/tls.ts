/** Configures HTTPS. A faulty setting stops the start, because an open port without the intended TLS would be worse. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { type Clock, InvalidConfiguration } from '@daybook/service';

/** The paths of PEM files. */
export interface TlsConfig {
  DAYBOOK_TLS_CERTIFICATE?: string;
  DAYBOOK_TLS_KEY?: string;
  DAYBOOK_TLS_CLIENT_CA?: string;
}

/** Options of `node:https`. With `ca`, clients must present a certificate of that authority. */
export interface TlsSettings {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca?: Buffer;
  readonly requestCert: boolean;
  readonly rejectUnauthorized: boolean;
  readonly minVersion: 'TLSv1.2';
}

/** Reads the files; returns undefined if none is configured. @throws InvalidConfiguration */
export async function readTls(config: TlsConfig, clock: Clock): Promise<TlsSettings | undefined> {
  const {
    DAYBOOK_TLS_CERTIFICATE: certificate,
    DAYBOOK_TLS_KEY: privateKey,
    DAYBOOK_TLS_CLIENT_CA: authority,
  } = config;
  if (certificate === undefined && privateKey === undefined && authority === undefined) return undefined;
  if (certificate === undefined) throw new InvalidConfiguration(['DAYBOOK_TLS_CERTIFICATE is needed for TLS']);
  if (privateKey === undefined) throw new InvalidConfiguration(['DAYBOOK_TLS_KEY is needed for TLS']);
  const cert = await read('DAYBOOK_TLS_CERTIFICATE', certificate);
  const key = await read('DAYBOOK_TLS_KEY', privateKey);
  checkPair(cert, key, clock());
  const requestsClientCertificate = authority !== undefined;
  const ca = requestsClientCertificate ? await read('DAYBOOK_TLS_CLIENT_CA', authority) : undefined;
  if (ca) checkCertificate('DAYBOOK_TLS_CLIENT_CA', ca, clock());
  const settings = { cert, key, ...(ca && { ca }), minVersion: 'TLSv1.2' } as const;
  orInvalidPem('DAYBOOK_TLS_CERTIFICATE', () => createSecureContext(settings));
  return { ...settings, requestCert: requestsClientCertificate, rejectUnauthorized: requestsClientCertificate };
}

async function read(variable: string, file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new InvalidConfiguration([`${variable} names a file that cannot be read (${code})`]);
  }
}

/** Replaces the failure of a call, because its message may quote the file. */
function orInvalidPem<Result>(variable: string, use: () => Result): Result {
  try {
    return use();
  } catch {
    throw new InvalidConfiguration([`${variable} names a file that is not what it should be, in PEM`]);
  }
}

function checkCertificate(
  variable: string,
  pem: Buffer,
  { epochMilliseconds: now }: Temporal.Instant,
): X509Certificate {
  const certificate = orInvalidPem(variable, () => new X509Certificate(pem));
  if (certificate.validToDate.getTime() <= now)
    throw new InvalidConfiguration([`${variable} names one that has expired`]);
  if (certificate.validFromDate.getTime() > now) {
    throw new InvalidConfiguration([`${variable} names one that is not valid yet`]);
  }
  return certificate;
}

function checkPair(cert: Buffer, key: Buffer, now: Temporal.Instant): void {
  const certificate = checkCertificate('DAYBOOK_TLS_CERTIFICATE', cert, now);
  const privateKey = orInvalidPem('DAYBOOK_TLS_KEY', () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new InvalidConfiguration(['DAYBOOK_TLS_KEY is not the key of DAYBOOK_TLS_CERTIFICATE']);
  }
}
