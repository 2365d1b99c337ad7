import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generatePrivateJwk, keyIdOf } from '@daybook/access';
import { describe, expect, it, onTestFinished } from 'vitest';
import { prepareServiceKey, readServiceKey } from './service-key.ts';

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-key-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

describe('the key of a service', () => {
  it('is made once, for its user only, also when identity and the service start simultaneously', async () => {
    const folder = await temporaryFolder();
    const made = await Promise.all(Array.from({ length: 5 }, () => prepareServiceKey(folder, 'gateway-service')));
    expect(new Set(made.map(({ x }) => x)).size).toBe(1);
    expect((await stat(join(folder, 'service-key-gateway-service.json'))).mode & 0o777).toBe(0o600);
  });

  it('is another for each service', async () => {
    const folder = await temporaryFolder();
    const [one, other] = [
      await prepareServiceKey(folder, 'gateway-service'),
      await prepareServiceKey(folder, 'appointment-service'),
    ];
    expect(one.x).not.toBe(other.x);
  });

  it('is the configured one, where there is one', async () => {
    const jwk = await generatePrivateJwk();
    const DAYBOOK_SERVICE_KEY = Buffer.from(JSON.stringify(jwk)).toString('base64url');
    const key = await readServiceKey({ DAYBOOK_DATA: '/there/is/none', DAYBOOK_SERVICE_KEY }, 'gateway-service');
    expect(key.keyId).toBe(await keyIdOf(jwk));
  });

  it.each(['no JSON', '{}', '{"kty":"EC","crv":"P-256"}'])('ends the start with 78 when it is %s', async (text) => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'service-key-gateway-service.json'), text, { mode: 0o600 });
    const failure = { exitCode: 78, message: expect.not.stringContaining(text) };
    await expect(prepareServiceKey(folder, 'gateway-service')).rejects.toMatchObject(failure);
    const DAYBOOK_SERVICE_KEY = Buffer.from(text).toString('base64url');
    const config = { DAYBOOK_DATA: folder, DAYBOOK_SERVICE_KEY };
    await expect(readServiceKey(config, 'gateway-service')).rejects.toMatchObject(failure);
  });
});
