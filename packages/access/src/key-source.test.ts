import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@daybook/testing';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { CLOCK_TOLERANCE_SECONDS } from './clock.ts';
import { keyIdOf, type PublicJwk } from './key-pair.ts';
import { type KeySetPayload, MAX_KEY_SET_LENGTH, signKeySet } from './key-set.ts';
import { createKeySource, KeySetUnavailable, type KeySourceOptions } from './key-source.ts';
import { signJws } from './strict-jws.ts';
import { createTestClock, createTestIssuer, createTestKey, type TestClock, type TestIssuer } from './testing.ts';

const DAY_SECONDS = 86_400;

let clock: TestClock;
let issuer: TestIssuer;

beforeEach(async () => {
  clock = createTestClock();
  issuer = await createTestIssuer(clock);
});

/** Starts a source of a network that returns what the test sets, and counts the fetches. */
async function startSource(options: Partial<KeySourceOptions> = {}) {
  const network = { fetches: 0, respond: (): Promise<string> => issuer.signKeySet() };
  const failures: unknown[] = [];
  const source = await createKeySource({
    fetchKeySet: () => {
      network.fetches += 1;
      return network.respond();
    },
    rootKey: issuer.rootKey.verification,
    clock: clock.clock,
    onFailure: (error) => failures.push(error),
    ...options,
  });
  onTestFinished(() => source.stop());
  return { source, network, failures };
}

const keyId = (): string => issuer.key.signing.keyId;

describe('a check', () => {
  it('fetches the keys that are missing, once, and none that are there', async () => {
    const { source, network } = await startSource();
    await Promise.all([source.check(), source.check()]);
    expect(source.peek(keyId())).toMatchObject({ type: 'public' });
    await source.check();
    expect(network.fetches).toBe(1);
  });

  it('fails while there are none, and passes when identity is there', async () => {
    const { source, network } = await startSource();
    network.respond = () => Promise.reject(new Error('identity is away'));
    await expect(source.check()).rejects.toThrow(KeySetUnavailable);
    network.respond = () => issuer.signKeySet();
    clock.advance(1_000);
    await source.check();
  });
});

describe('a key', () => {
  it('is fetched once, and then known without a fetch', async () => {
    const { source, network } = await startSource();
    expect(source.peek(keyId())).toBeUndefined();
    expect(network.fetches).toBe(0);
    expect(await source.find(keyId())).toMatchObject({ type: 'public' });
    expect(await source.find(keyId())).toBe(source.peek(keyId()));
    expect(network.fetches).toBe(1);
  });

  it('that is unknown costs one fetch for a thousand simultaneous callers, and none for ten seconds', async () => {
    const { source, network } = await startSource();
    const unknown = Array.from({ length: 1_000 }, (_, n) => source.find(`unknown-${n}`));
    expect(await Promise.all(unknown)).toEqual(unknown.map(() => undefined));
    expect(network.fetches).toBe(1);
    clock.advance(9_999);
    await Promise.all(Array.from({ length: 1_000 }, (_, n) => source.find(`later-${n}`)));
    expect(network.fetches).toBe(1);
    clock.advance(1);
    await Promise.all(Array.from({ length: 1_000 }, (_, n) => source.find(`latest-${n}`)));
    expect(network.fetches).toBe(2);
  });

  it('that is new is found by the fetch of its first token', async () => {
    const { source, network } = await startSource();
    await source.find(keyId());
    const next = await createTestKey();
    network.respond = () => issuer.signKeySet({ keys: [issuer.key.publicJwk, next.publicJwk] });
    clock.advance(10_000);
    expect(await source.find(next.signing.keyId)).toMatchObject({ type: 'public' });
    expect(await source.find(keyId())).toMatchObject({ type: 'public' });
  });

  it('that was retired is dropped within five minutes, without a caller that waits', async () => {
    const { source, network } = await startSource();
    await source.find(keyId());
    const next = await createTestKey();
    network.respond = () => issuer.signKeySet({ keys: [next.publicJwk] });
    clock.advance(5 * 60_000 - 1);
    expect(source.peek(keyId())).toBeDefined();
    expect(network.fetches).toBe(1);
    clock.advance(1);
    expect(source.peek(keyId())).toBeDefined();
    await expect.poll(() => source.peek(keyId())).toBeUndefined();
    expect(network.fetches).toBe(2);
  });
});

describe('while identity cannot be reached', () => {
  it('the last good set stays until it expires', async () => {
    const { source, network, failures } = await startSource();
    await source.find(keyId());
    network.respond = () => Promise.reject(new Error('connection refused'));
    clock.advance((DAY_SECONDS - 1) * 1_000);
    expect(await source.find(keyId())).toBeDefined();
    expect(await source.find('unknown')).toBeUndefined();
    expect(failures).toEqual([new Error('connection refused')]);
    clock.advance(1_000);
    expect(source.peek(keyId())).toBeUndefined();
    await expect(source.find(keyId())).rejects.toMatchObject({ name: 'KeySetUnavailable', retryAfterSeconds: 1 });
  });

  it('a source without a set reports that, with one fetch a second', async () => {
    const { source, network } = await startSource();
    network.respond = () => Promise.reject(new Error('connection refused'));
    const finds = await Promise.allSettled(Array.from({ length: 1_000 }, () => source.find(keyId())));
    for (const find of finds)
      expect(find).toMatchObject({ reason: { name: 'KeySetUnavailable', retryAfterSeconds: 1 } });
    expect(network.fetches).toBe(1);
    network.respond = () => issuer.signKeySet();
    clock.advance(999);
    await expect(source.find(keyId())).rejects.toMatchObject({ name: 'KeySetUnavailable' });
    expect(network.fetches).toBe(1);
    clock.advance(1);
    expect(await source.find(keyId())).toBeDefined();
  });

  it('a fetch has a deadline, after which it is aborted', async () => {
    const signals: AbortSignal[] = [];
    const { source, failures } = await startSource({
      fetchTimeoutMillis: 20,
      fetchKeySet: (signal) => {
        signals.push(signal);
        return new Promise<string>(() => undefined);
      },
    });
    await expect(source.find(keyId())).rejects.toMatchObject({ name: 'KeySetUnavailable' });
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    expect(failures).toEqual([new Error('fetch of the key set: not within 20 ms')]);
  });

  it('a fetch that throws at once is a failure like any other', async () => {
    const { source, failures } = await startSource({
      fetchKeySet: () => {
        throw new Error('no route');
      },
    });
    await expect(source.find(keyId())).rejects.toMatchObject({ name: 'KeySetUnavailable' });
    expect(failures).toEqual([new Error('no route')]);
  });

  it('a clock that is set back delays no fetch', async () => {
    const { source, network } = await startSource();
    network.respond = () => Promise.reject(new Error('connection refused'));
    await expect(source.find(keyId())).rejects.toMatchObject({ name: 'KeySetUnavailable' });
    clock.advance(-3_600_000);
    network.respond = () => issuer.signKeySet();
    expect(await source.find(keyId())).toBeDefined();
  });

  it('a source that stops ends its fetch, and starts no other', async () => {
    const { source, network, failures } = await startSource();
    network.respond = () => new Promise<string>(() => undefined);
    const waiting = source.find(keyId());
    await source.stop();
    await expect(waiting).rejects.toMatchObject({ name: 'KeySetUnavailable' });
    clock.advance(60_000);
    await expect(source.find(keyId())).rejects.toMatchObject({ name: 'KeySetUnavailable' });
    expect([network.fetches, failures]).toEqual([1, []]);
  });
});

describe('a set is refused', () => {
  /** Returns the fault of a set that the network returns after a good one, which must stay in use. */
  async function faultOf(respond: () => Promise<string>): Promise<unknown> {
    const { source, network, failures } = await startSource();
    await source.find(keyId());
    network.respond = respond;
    clock.advance(10_000);
    expect(await source.find('unknown')).toBeUndefined();
    expect(await source.find(keyId())).toBeDefined();
    expect(failures).toHaveLength(1);
    const [failure] = failures;
    return failure instanceof Error && 'fault' in failure ? failure.fault : failure;
  }

  const payload = (changes: Partial<KeySetPayload> = {}): KeySetPayload => {
    const iat = clock.nowSeconds();
    return { keys: [issuer.key.publicJwk], iat, exp: iat + DAY_SECONDS, ...changes };
  };
  const signedByRoot = (value: object, type = 'jwk-set+jwt') => signJws(value, type, issuer.rootKey.signing);

  it('that another root key signed, whichever address served it', async () => {
    const impostor = await createTestIssuer(clock);
    expect(await faultOf(() => impostor.signKeySet())).toBe('signature');
  });

  it('that another key signed under the id of the root key', async () => {
    const impostor = await createTestKey();
    const pretending = { ...impostor.signing, keyId: issuer.rootKey.signing.keyId };
    const keys = [impostor.publicJwk];
    expect(await faultOf(() => signKeySet(payload({ keys }), pretending))).toBe('signature');
  });

  it('that the root key signed under the id of another key', async () => {
    const pretending = { ...issuer.rootKey.signing, keyId: issuer.key.signing.keyId };
    expect(await faultOf(() => signKeySet(payload(), pretending))).toBe('signature');
  });

  it('that one of its own keys signed', async () => {
    expect(await faultOf(() => signKeySet(payload(), issuer.key.signing))).toBe('signature');
  });

  it('that is not signed', async () => {
    expect(await faultOf(async () => JSON.stringify({ keys: [issuer.key.publicJwk] }))).toBe('signature');
  });

  it('that is an access token of the root key', async () => {
    expect(await faultOf(() => signedByRoot(payload(), 'at+jwt'))).toBe('signature');
  });

  it('that is huge', async () => {
    expect(await faultOf(async () => 'e'.repeat(MAX_KEY_SET_LENGTH + 1))).toBe('signature');
  });

  it('that has expired', async () => {
    expect(await faultOf(() => signKeySet(payload({ exp: clock.nowSeconds() }), issuer.rootKey.signing))).toBe(
      'expired',
    );
  });

  it('that is from the future', async () => {
    const iat = () => clock.nowSeconds() + CLOCK_TOLERANCE_SECONDS + 1;
    expect(await faultOf(() => signedByRoot(payload({ iat: iat() })))).toBe('not-yet-valid');
  });

  it('that is older than the current one, which an attacker could have kept for a retired key', async () => {
    const retired = await createTestKey();
    const old = await signKeySet(
      payload({ keys: [retired.publicJwk], iat: clock.nowSeconds() - 1 }),
      issuer.rootKey.signing,
    );
    expect(await faultOf(async () => old)).toBe('older');
  });

  it('that names a key by another id than its thumbprint', async () => {
    const other = await createTestKey();
    const keys = [{ ...other.publicJwk, kid: issuer.key.publicJwk.kid }];
    expect(await faultOf(() => signedByRoot(payload({ keys })))).toBe('key');
  });

  it('that has a key twice', async () => {
    const keys = [issuer.key.publicJwk, issuer.key.publicJwk];
    expect(await faultOf(() => signedByRoot(payload({ keys })))).toBe('key');
  });

  it('that has a key which is not a point of the curve', async () => {
    const broken: PublicJwk = { ...issuer.key.publicJwk, y: 'A'.repeat(43) };
    broken.kid = await keyIdOf(broken);
    expect(await faultOf(() => signedByRoot(payload({ keys: [broken] })))).toBe('key');
  });

  it.each<[string, (jwk: PublicJwk) => unknown[]]>([
    ['no key', () => []],
    ['too many keys', (jwk) => Array.from({ length: 17 }, () => jwk)],
    ['a private key', (jwk) => [{ ...jwk, d: jwk.x }]],
    ['a symmetric key', () => [{ kty: 'oct', k: 'AAAA', kid: 'x', alg: 'HS256', use: 'sig' }]],
    ['a key of another curve', (jwk) => [{ ...jwk, crv: 'P-384' }]],
    ['a key for another use', (jwk) => [{ ...jwk, use: 'enc' }]],
  ])('that has %s', async (_, keysOf) => {
    const keys = keysOf(issuer.key.publicJwk);
    expect(await faultOf(() => signedByRoot({ ...payload(), keys }))).toBe('payload');
    await expect(
      Reflect.apply(signKeySet, undefined, [{ ...payload(), keys }, issuer.rootKey.signing]),
    ).rejects.toThrow(TypeError);
  });
});

it('a set from a future that a wrong clock caused does not block later sets', async () => {
  clock.advance(3_600_000);
  const { source, network } = await startSource();
  await source.find(keyId());
  clock.advance(-3_600_000);
  const next = await createTestKey();
  network.respond = () => issuer.signKeySet({ keys: [next.publicJwk] });
  expect(await source.find(next.signing.keyId)).toBeDefined();
});

describe('the file', () => {
  async function folderWithFile() {
    const folder = await temporaryFolder();
    onTestFinished(() => folder[Symbol.asyncDispose]());
    return { folder: folder.path, file: join(folder.path, 'identity-keys.jwt') };
  }
  const unreachable = () => Promise.reject(new Error('connection refused'));

  it('lets a source start without identity', async () => {
    const { folder, file } = await folderWithFile();
    const first = await startSource({ file });
    await first.source.find(keyId());
    await first.source.stop();
    expect(await readdir(folder)).toEqual(['identity-keys.jwt']);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const { source } = await startSource({ file, fetchKeySet: unreachable });
    expect(source.peek(keyId())).toMatchObject({ type: 'public' });
  });

  it('is fetched again behind the first use', async () => {
    const { file } = await folderWithFile();
    await writeFile(file, await issuer.signKeySet());
    const next = await createTestKey();
    const { source, network } = await startSource({ file });
    network.respond = () => issuer.signKeySet({ keys: [next.publicJwk] });
    expect(await source.find(keyId())).toBeDefined();
    await expect.poll(() => source.peek(next.signing.keyId)).toBeDefined();
  });

  it.each<[string, () => Promise<string>]>([
    ['another root key signed', async () => (await createTestIssuer(clock)).signKeySet()],
    ['was cut', async () => (await issuer.signKeySet()).slice(0, -10)],
    ['is empty', async () => ''],
    ['is not text', async () => '\u0000\uffff'],
    ['has expired', () => issuer.signKeySet({ exp: clock.nowSeconds() })],
  ])('is verified again when it is read: one that %s is not used, and is replaced', async (_, textOf) => {
    const { file } = await folderWithFile();
    await writeFile(file, await textOf());
    const { source, failures } = await startSource({ file });
    expect(source.peek(keyId())).toBeUndefined();
    expect(failures).toMatchObject([{ name: 'InvalidKeySet' }]);
    expect(await source.find(keyId())).toBeDefined();
    await source.stop();
    const restarted = await startSource({ file, fetchKeySet: unreachable });
    expect(restarted.source.peek(keyId())).toBeDefined();
  });

  it('never goes back to an older set than that on disk', async () => {
    const { file } = await folderWithFile();
    const old = await issuer.signKeySet();
    clock.advance(60_000);
    const next = await createTestKey();
    await writeFile(file, await issuer.signKeySet({ keys: [next.publicJwk] }));
    const { source, network } = await startSource({ file });
    network.respond = async () => old;
    expect(await source.find(keyId())).toBeUndefined();
    expect(await source.find(next.signing.keyId)).toBeDefined();
  });

  it('is always whole, while many sources replace it', async () => {
    const { folder, file } = await folderWithFile();
    const sources = await Promise.all(Array.from({ length: 10 }, () => startSource({ file })));
    await Promise.all(sources.map(({ source }) => source.find(keyId())));
    await Promise.all(sources.map(({ source }) => source.stop()));
    expect(sources.flatMap(({ failures }) => failures)).toEqual([]);
    expect(await readdir(folder)).toEqual(['identity-keys.jwt']);
    expect((await readFile(file, 'utf8')).split('.')).toHaveLength(3);
  });

  it('that cannot be written or read is reported, and the set is used from memory', async () => {
    const { file } = await folderWithFile();
    await mkdir(file);
    const { source, failures } = await startSource({ file });
    expect(await source.find(keyId())).toBeDefined();
    await source.stop();
    expect(failures).toMatchObject([{ code: 'EISDIR' }, { code: expect.stringMatching(/^E/) }]);
  });
});
