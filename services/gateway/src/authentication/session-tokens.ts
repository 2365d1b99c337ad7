/**
 * Exchanges the sessions of browsers for access tokens, and remembers the tokens in bounded memory (decision 43).
 *
 * A token is renewed behind the requests that use it, and a request waits for the renewal once the token is a minute old.
 * So a session that has ended is noticed within a minute. While identity cannot be reached, the last token serves until it
 * expires.
 */
import { InvalidAccessToken, KeySetUnavailable, type TokenVerifier } from '@daybook/access';
import { withDeadline } from '@daybook/async';
import { Refusal, type VerifiedCaller } from '@daybook/contracts';
import type { Clock } from '@daybook/service';
import { createRateLimiter, type RateLimit, type RateLimiter } from '../resilience/rate-limiter.ts';

/** A request waits for a renewal from this age on. */
export const MAX_AGE_MILLIS = 60_000;
/** A token is renewed behind a request from this age on. Leaves time for a renewal, so that requests rarely wait. */
const RENEW_AFTER_MILLIS = 40_000;
/** For an exchange, with its retries and the verification of the token. */
const EXCHANGE_MILLIS = 3_000;
/** After a failure, one renewal in this time tries whether identity can be reached again. */
const TRIAL_INTERVAL_MILLIS = 5_000;
/** A session that has ended is rejected without a request for this time. An account can be enabled again. */
const ENDED_MILLIS = 60_000;
const MAX_SESSIONS = 8_192;
const MAX_ENDED = 8_192;
const MAX_RUNNING = 256;
/** Of those, for sessions without a token, which strangers can invent. */
const MAX_RUNNING_UNKNOWN = 64;
/** For one address: a clinic behind one may sign in within a minute after a gateway has started. */
const UNKNOWN_SESSIONS = { perSecond: 20, burst: 500 };
const RETRY_AFTER_SECONDS = 5;

export interface SessionToken {
  readonly authorization: string;
  readonly caller: VerifiedCaller;
}

/** `ended`: the session does not exist, or no longer. */
export type SessionResult = SessionToken | 'ended' | Refusal;

export interface SessionRequest {
  /** The value of the cookie. */
  readonly session: string;
  /** Whether a person made the request. */
  readonly isActive: boolean;
  /** The client that unknown sessions are counted by. */
  readonly client: string;
}

export interface SessionTokensOptions {
  /** Returns a token, or undefined when the session has ended. It throws when identity gives no usable response. */
  readonly exchange: (session: string, isActive: boolean) => Promise<string | undefined>;
  readonly verifier: TokenVerifier;
  readonly clock: Clock;
  /** Receives each failed exchange. The last token stays in use. */
  readonly onFailure: (error: unknown) => void;
  readonly exchangeMillis?: number;
  /** The sessions without a token that one address may send. */
  readonly unknownSessions?: RateLimit | undefined;
}

interface Held {
  readonly token: string;
  readonly authorization: string;
  /** When the exchange began. What happened to the session later is unknown. */
  readonly exchangedAtMillis: number;
  /** When the last exchange began that reported activity. */
  readonly activeAtMillis: number;
}

interface Running {
  readonly result: Promise<SessionResult>;
  readonly isActive: boolean;
  /** Whether a person made a request meanwhile, which the exchange does not report. */
  isActivityDue: boolean;
}

const unavailable = (retryAfterSeconds = RETRY_AFTER_SECONDS): Refusal =>
  new Refusal('service-unavailable', 'Your sign-in cannot be verified now.', { retryAfterSeconds });

const tooManyUnknown = (retryAfterSeconds: number): Refusal =>
  new Refusal('too-many-requests', 'There were too many unknown sessions from this address. Retry later.', {
    retryAfterSeconds,
  });

/** Returns whether an instant is at least this long ago. A clock that was set back counts as long ago. */
const isPast = (atMillis: number, millis: number, nowMillis: number): boolean =>
  nowMillis < atMillis || nowMillis - atMillis >= millis;

/** Removes the oldest entries of a map beyond a limit. */
function trim(map: Map<string, unknown>, limit: number): void {
  for (const key of map.keys()) {
    if (map.size <= limit) return;
    map.delete(key);
  }
}

export class SessionTokens {
  readonly #options: SessionTokensOptions;
  readonly #unknownLimiter: RateLimiter;
  /** By the value of the cookie, in the order of their last use. */
  readonly #held = new Map<string, Held>();
  /** When sessions turned out to have ended. */
  readonly #ended = new Map<string, number>();
  readonly #running = new Map<string, Running>();
  #runningUnknown = 0;
  /** When an exchange failed or was tried again; undefined while identity can be reached. */
  #failedAtMillis: number | undefined;
  #isStopped = false;

  constructor(options: SessionTokensOptions) {
    this.#options = options;
    this.#unknownLimiter = createRateLimiter(options.unknownSessions ?? UNKNOWN_SESSIONS);
  }

  /** The number of sessions with a token. */
  get size(): number {
    return this.#held.size;
  }

  /** Returns the token of a session; immediately where a fresh one is known. */
  find(request: SessionRequest): SessionResult | Promise<SessionResult> {
    const { session, isActive } = request;
    const held = this.#held.get(session);
    if (!held) return this.#findUnknown(request);
    this.#held.delete(session);
    this.#held.set(session, held);
    const now = this.#now();
    const isOld = isPast(held.exchangedAtMillis, RENEW_AFTER_MILLIS, now);
    const isActivityDue = isActive && isPast(held.activeAtMillis, RENEW_AFTER_MILLIS, now);
    if (isOld || isActivityDue) {
      const renewal = this.#renew(session, isActive, now);
      if (renewal && isPast(held.exchangedAtMillis, MAX_AGE_MILLIS, now)) return this.#awaitRenewal(renewal, held);
    }
    return this.#use(request, held);
  }

  /** Drops the token of a session that its owner has ended. */
  end(session: string): void {
    this.#held.delete(session);
    this.#ended.delete(session);
    this.#ended.set(session, this.#now());
    trim(this.#ended, MAX_ENDED);
  }

  /** Waits for the running exchanges, and starts no others. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([...this.#running.values()].map(({ result }) => result));
  }

  #now(): number {
    return this.#options.clock().epochMilliseconds;
  }

  #hasEnded(session: string): boolean {
    const endedAt = this.#ended.get(session);
    if (endedAt === undefined) return false;
    if (!isPast(endedAt, ENDED_MILLIS, this.#now())) return true;
    this.#ended.delete(session);
    return false;
  }

  #findUnknown({ session, isActive, client }: SessionRequest): SessionResult | Promise<SessionResult> {
    if (this.#hasEnded(session)) return 'ended';
    const running = this.#join(session, isActive);
    if (running) return running;
    const { allowed, retryAfterSeconds } = this.#unknownLimiter.take(client);
    if (!allowed) return tooManyUnknown(retryAfterSeconds);
    if (this.#isStopped || this.#runningUnknown >= MAX_RUNNING_UNKNOWN) return unavailable(1);
    this.#runningUnknown += 1;
    return this.#start(session, isActive).finally(() => {
      this.#runningUnknown -= 1;
    });
  }

  /** Returns the running exchange of a session, and notes what it does not report. */
  #join(session: string, isActive: boolean): Promise<SessionResult> | undefined {
    const running = this.#running.get(session);
    if (running && isActive && !running.isActive) running.isActivityDue = true;
    return running?.result;
  }

  /** Starts or joins the renewal of a token. Returns undefined where the token has to serve without. */
  #renew(session: string, isActive: boolean, now: number): Promise<SessionResult> | undefined {
    const running = this.#join(session, isActive);
    if (running) return running;
    if (this.#isStopped || this.#running.size - this.#runningUnknown >= MAX_RUNNING) return undefined;
    if (this.#failedAtMillis !== undefined) {
      if (!isPast(this.#failedAtMillis, TRIAL_INTERVAL_MILLIS, now)) return undefined;
      // One request tries, and the others go on without waiting.
      this.#failedAtMillis = now;
    }
    return this.#start(session, isActive);
  }

  #start(session: string, isActive: boolean): Promise<SessionResult> {
    const running = { result: this.#exchange(session, isActive), isActive, isActivityDue: false };
    this.#running.set(session, running);
    return running.result.finally(() => {
      this.#running.delete(session);
      if (running.isActivityDue && this.#held.has(session) && !this.#isStopped) void this.#start(session, true);
    });
  }

  /** Never rejects. */
  async #exchange(session: string, isActive: boolean): Promise<SessionResult> {
    const { exchangeMillis = EXCHANGE_MILLIS, onFailure } = this.#options;
    try {
      const work = this.#exchangeAndVerify(session, isActive);
      return await withDeadline(work, exchangeMillis, 'exchange of a session');
    } catch (error) {
      this.#failedAtMillis = this.#now();
      onFailure(error);
      return unavailable();
    }
  }

  async #exchangeAndVerify(session: string, isActive: boolean): Promise<SessionResult> {
    const startedAtMillis = this.#now();
    const previous = this.#held.get(session);
    const token = await this.#options.exchange(session, isActive);
    this.#failedAtMillis = undefined;
    // Its owner may have ended it meanwhile.
    if (token === undefined || this.#hasEnded(session)) {
      this.end(session);
      return 'ended';
    }
    // The registry could have been made to name an impostor, so nothing is believed without a signature.
    const caller = await this.#options.verifier.verify(token);
    const authorization = `Bearer ${token}`;
    const activeAtMillis = isActive ? startedAtMillis : (previous?.activeAtMillis ?? 0);
    this.#held.delete(session);
    this.#held.set(session, { token, authorization, exchangedAtMillis: startedAtMillis, activeAtMillis });
    trim(this.#held, MAX_SESSIONS);
    return { authorization, caller };
  }

  #use(request: SessionRequest, held: Held): SessionResult | Promise<SessionResult> {
    const caller = this.#options.verifier.peek(held.token);
    return caller ? { authorization: held.authorization, caller } : this.#verifyOrRenew(request, held);
  }

  /** Verifies a token that was forgotten, has expired, or whose key is no longer in the key set. */
  async #verifyOrRenew({ session, isActive }: SessionRequest, held: Held): Promise<SessionResult> {
    const result = await this.#verify(held);
    if (result !== 'invalid') return result;
    return this.#renew(session, isActive, this.#now()) ?? unavailable();
  }

  async #awaitRenewal(renewal: Promise<SessionResult>, held: Held): Promise<SessionResult> {
    const result = await renewal;
    if (!(result instanceof Refusal)) return result;
    const verified = await this.#verify(held);
    return verified === 'invalid' ? result : verified;
  }

  async #verify({ token, authorization }: Held): Promise<SessionToken | Refusal | 'invalid'> {
    try {
      return { authorization, caller: await this.#options.verifier.verify(token) };
    } catch (error) {
      if (error instanceof KeySetUnavailable) return unavailable(error.retryAfterSeconds);
      if (error instanceof InvalidAccessToken) return 'invalid';
      throw error;
    }
  }
}
