import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { systemClock } from '@daybook/service';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startGateway, startServer } from './testing.ts';
import { readTls, type TlsConfig } from './tls.ts';

let folder: string;
const file = (name: string) => join(folder, name);
const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' });

/** Creates a self-signed certificate for 127.0.0.1, and its key. */
function makePair(name: string): void {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', file(`${name}.key`)];
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
  openssl('req', '-x509', ...key, '-out', file(`${name}.pem`), ...subject, '-days', '2');
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'daybook-tls-'));
  makePair('gateway');
  makePair('other');
  makePair('client');
  await writeFile(file('nothing.pem'), 'nothing');
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const gatewayTls = (): TlsConfig => ({
  DAYBOOK_TLS_CERTIFICATE: file('gateway.pem'),
  DAYBOOK_TLS_KEY: file('gateway.key'),
});

interface RequestOptions {
  readonly port: number;
  /** The name of the client's certificate. */
  readonly as?: string;
  readonly maxVersion?: 'TLSv1.1' | 'TLSv1.3';
}

async function get({ port, as, maxVersion = 'TLSv1.3' }: RequestOptions): Promise<string> {
  const own =
    as === undefined ? {} : { cert: await readFile(file(`${as}.pem`)), key: await readFile(file(`${as}.key`)) };
  const ca = await readFile(file('gateway.pem'));
  const received = Promise.withResolvers<string>();
  const options = { host: '127.0.0.1', port, path: '/api/v1/patients', ca, ...own, maxVersion, agent: false };
  request(options, (response) => void text(response).then(received.resolve, received.reject))
    .on('error', received.reject)
    .end();
  return received.promise;
}

describe('a gateway with a certificate', () => {
  test('gets requests over TLS, and forwards that to the service', async () => {
    const service = await startServer(({ headers }, response) => response.end(headers['x-forwarded-proto']));
    const tls = await readTls(gatewayTls(), systemClock);
    const { port } = await startGateway({ patients: [service.url], ...(tls && { tls }) });
    expect(await get({ port })).toBe('https');
    await expect(fetch(`http://127.0.0.1:${port}/api/v1/patients`)).rejects.toThrow();
    await expect(get({ port, maxVersion: 'TLSv1.1' })).rejects.toThrow();
  });

  test('that requires one of its clients responds to no other', async () => {
    const service = await startServer((_request, response) => response.end('here'));
    const tls = await readTls({ ...gatewayTls(), DAYBOOK_TLS_CLIENT_CA: file('client.pem') }, systemClock);
    const { port } = await startGateway({ patients: [service.url], ...(tls && { tls }) });
    expect(await get({ port, as: 'client' })).toBe('here');
    await expect(get({ port })).rejects.toThrow();
    await expect(get({ port, as: 'other' })).rejects.toThrow();
    expect(service.requests).toHaveLength(1);
  });
});

describe('a start with a wrong configuration of TLS is refused', () => {
  test.each<[string, () => TlsConfig, string]>([
    ['no key', () => ({ DAYBOOK_TLS_CERTIFICATE: file('gateway.pem') }), 'DAYBOOK_TLS_KEY is needed'],
    ['no certificate', () => ({ DAYBOOK_TLS_KEY: file('gateway.key') }), 'DAYBOOK_TLS_CERTIFICATE is needed'],
    ['clients only', () => ({ DAYBOOK_TLS_CLIENT_CA: file('client.pem') }), 'DAYBOOK_TLS_CERTIFICATE is needed'],
    ['another key', () => ({ ...gatewayTls(), DAYBOOK_TLS_KEY: file('other.key') }), 'is not the key of'],
    [
      'a missing file',
      () => ({ ...gatewayTls(), DAYBOOK_TLS_KEY: file('none') }),
      'DAYBOOK_TLS_KEY names a file that cannot',
    ],
    [
      'no certificate in the file',
      () => ({ ...gatewayTls(), DAYBOOK_TLS_CERTIFICATE: file('nothing.pem') }),
      'not what it',
    ],
    [
      'no authority in the file',
      () => ({ ...gatewayTls(), DAYBOOK_TLS_CLIENT_CA: file('nothing.pem') }),
      'not what it should',
    ],
  ])('%s', async (_what, config, message) => {
    await expect(readTls(config(), systemClock)).rejects.toMatchObject({
      exitCode: 78,
      message: expect.stringContaining(message),
    });
  });

  test.each([
    ['has expired', 72],
    ['is not valid yet', -72],
  ])('a certificate that %s', async (message, hours) => {
    const then = () => systemClock().add({ hours });
    await expect(readTls(gatewayTls(), then)).rejects.toMatchObject({ message: expect.stringContaining(message) });
  });

  test('nothing is wrong with none', async () => {
    expect(await readTls({}, systemClock)).toBeUndefined();
  });
});
