/** Hashes passwords by argon2id, a few at a time, because each needs 19 MiB and a tenth of a second. */
import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { normalizePassword } from '../domain/password-policy.ts';
import { type BoundedQueue, createBoundedQueue } from './bounded-queue.ts';

/** OWASP's parameters of argon2id. A hash names its own, so that they can be raised later. */
interface Parameters {
  /** In KiB. */
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
}
const PARAMETERS: Parameters = { memory: 19_456, passes: 2, parallelism: 1 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** 0.1 s each: the last one in the queue waits for about a second. */
const LIMITS = { running: 2, waiting: 16 };

/** The PHC string format: `$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH`. */
const PHC = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]{22,86})\$([A-Za-z0-9+/]{43,86})$/;

const compute = promisify(argon2);

const derive = (password: string, salt: Uint8Array, tagLength: number, parameters: Parameters): Promise<Buffer> =>
  compute('argon2id', { message: normalizePassword(password), nonce: salt, tagLength, ...parameters });

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replaceAll('=', '');

const format = (salt: Uint8Array, hash: Uint8Array, { memory, passes, parallelism }: Parameters): string =>
  `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${base64(salt)}$${base64(hash)}`;

/** A hash of no password, for accounts that do not exist or have none. It costs as much as others. */
const NO_PASSWORD = format(randomBytes(SALT_BYTES), randomBytes(HASH_BYTES), PARAMETERS);

export interface PasswordHasher {
  /** @throws Refusal `service-unavailable` when too many wait */
  hash(password: string): Promise<string>;
  /**
   * Returns whether a password has this hash. Without a hash it returns false after the same time.
   * @throws Refusal `service-unavailable` when too many wait
   */
  verify(password: string, hash: string | undefined): Promise<boolean>;
}

async function matches(password: string, phc: string): Promise<boolean> {
  const [, memory, passes, parallelism, salt, hash] = PHC.exec(phc) ?? [];
  if (salt === undefined || hash === undefined) throw new Error('A stored password hash has an unknown form.');
  const expected = Buffer.from(hash, 'base64');
  const parameters = { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) };
  const derived = await derive(password, Buffer.from(salt, 'base64'), expected.length, parameters);
  return timingSafeEqual(derived, expected);
}

export function createPasswordHasher(queue: BoundedQueue = createBoundedQueue(LIMITS)): PasswordHasher {
  return {
    hash: (password) =>
      queue.run(async () => {
        const salt = randomBytes(SALT_BYTES);
        return format(salt, await derive(password, salt, HASH_BYTES, PARAMETERS), PARAMETERS);
      }),
    verify: (password, hash) => queue.run(() => matches(password, hash ?? NO_PASSWORD)),
  };
}
