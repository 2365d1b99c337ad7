import { argon2Sync } from 'node:crypto';
import { expect, it } from 'vitest';
import { createPasswordHasher } from './password-hasher.ts';

const hasher = createPasswordHasher();

it('a password is hashed by argon2id with the parameters of OWASP, and never in the same way twice', async () => {
  const [one, two] = [await hasher.hash('violet teapot'), await hasher.hash('violet teapot')];
  expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
  expect(one).not.toBe(two);
  expect([await hasher.verify('violet teapot', one), await hasher.verify('violet teapoT', one)]).toEqual([true, false]);
});

it('a hash with other parameters is verified with these', async () => {
  const parameters = { memory: 64, passes: 3, parallelism: 1, tagLength: 32 };
  const salt = Buffer.alloc(16, 1);
  const hash = argon2Sync('argon2id', { message: 'old password', nonce: salt, ...parameters });
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64').replaceAll('=', '');
  const phc = `$argon2id$v=19$m=64,t=3,p=1$${base64(salt)}$${base64(hash)}`;
  expect([await hasher.verify('old password', phc), await hasher.verify('other', phc)]).toEqual([true, false]);
});

it('a password is the same however a keyboard writes its letters', async () => {
  const hash = await hasher.hash('caf\u00e9 au lait');
  expect(await hasher.verify('cafe\u0301 au lait', hash)).toBe(true);
});

it('an account without a hash is never verified, and costs as much time', async () => {
  expect(await hasher.verify('', undefined)).toBe(false);
  const hash = await hasher.hash('violet teapot');
  const millisOf = async (stored: string | undefined) => {
    const start = performance.now();
    for (let count = 0; count < 3; count += 1) await hasher.verify('another', stored);
    return performance.now() - start;
  };
  await millisOf(hash);
  const ratios: number[] = [];
  for (let count = 0; count < 5; count += 1) ratios.push((await millisOf(undefined)) / (await millisOf(hash)));
  // A response without the work would take a hundredth. The middle of five is not sensitive to a busy machine.
  const middle = ratios.toSorted((one, other) => one - other)[2] ?? 0;
  expect(middle).toBeGreaterThan(0.3);
  expect(middle).toBeLessThan(3);
});
