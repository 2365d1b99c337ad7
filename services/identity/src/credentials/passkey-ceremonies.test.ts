import { newId } from '@daybook/database';
import { systemClock } from '@daybook/service';
import { describe, expect, it } from 'vitest';
import { createPasskeyCeremonies } from './passkey-ceremonies.ts';

const person = { id: newId(), email: 'ana@example.org', displayName: 'Ana Silva' };

async function optionsAt(publicUrl: string): Promise<(string | undefined)[]> {
  const ceremonies = createPasskeyCeremonies({
    publicUrl: new URL(publicUrl),
    key: Buffer.alloc(32, 7),
    clock: systemClock,
  });
  return [ceremonies.requestOptions('browser'), await ceremonies.creationOptions(person, [], 'browser')];
}

describe('passkeys', () => {
  it.each([['https://clinic.example'], ['http://localhost:8080']])('are offered at %s', async (publicUrl) => {
    const [request, creation] = await optionsAt(publicUrl);
    const { hostname } = new URL(publicUrl);
    expect(JSON.parse(request ?? '')).toMatchObject({ rpId: hostname, userVerification: 'required' });
    expect(JSON.parse(creation ?? '')).toMatchObject({ rp: { id: hostname } });
  });

  it.each([['http://127.0.0.1:8080'], ['http://[::1]:8080']])(
    'are not offered at %s, because no browser accepts an address',
    async (publicUrl) => expect(await optionsAt(publicUrl)).toEqual([undefined, undefined]),
  );
});
