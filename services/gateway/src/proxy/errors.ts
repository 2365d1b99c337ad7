/** Describes failures between the gateway and an instance to the caller. */
import { Refusal } from '@daybook/contracts';
import type { LimitReached } from '../resilience/client-limits.ts';
import type { Route } from '../routes/route.ts';

const RETRY_AFTER_SECONDS = 1;

/** Converts a service id: `appointment-service` → `appointment service`. */
const displayNameOf = ({ service }: Pick<Route, 'service'>): string =>
  `${service.replace(/-service$/, '').replaceAll('-', ' ')} service`;

const unavailableBecause = (detail: string): Refusal =>
  new Refusal('service-unavailable', detail, { retryAfterSeconds: RETRY_AFTER_SECONDS });

export const serviceUnavailable = (route: Pick<Route, 'service'>): Refusal =>
  unavailableBecause(`The ${displayNameOf(route)} is not available.`);

/** For a request that was sent and may have been handled before the connection broke. */
export const outcomeUnknown = (route: Pick<Route, 'service'>): Refusal =>
  unavailableBecause(
    `The ${displayNameOf(route)} is not available. It may have carried out the request: check before you send it again.`,
  );

/** Returns a code or a class name only, because a message can quote the request. */
export function errorCodeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

export const tooLarge = (): Refusal => new Refusal('body-too-large', 'The body is larger than this accepts.');

export const deadlineExceeded = (): Refusal => new Refusal('deadline-exceeded', 'The response was not ready in time.');

export const unsendable = (): Refusal =>
  new Refusal('invalid-request', 'The request has characters that cannot be forwarded.');

/** For an address that has reached its limit. */
export const tooManyRequests = (): Refusal =>
  new Refusal('too-many-requests', 'There are too many requests under way from this address. Retry later.', {
    retryAfterSeconds: RETRY_AFTER_SECONDS + Math.floor(Math.random() * 3),
  });

/**
 * Rejects a request before it is forwarded, so that pending requests finish. Varies the delay, so that clients do not
 * all return simultaneously.
 */
export const overloaded = (route: Pick<Route, 'service'>): Refusal =>
  new Refusal('service-unavailable', `The ${displayNameOf(route)} has more requests than it can serve now.`, {
    retryAfterSeconds: RETRY_AFTER_SECONDS + Math.floor(Math.random() * 3),
  });

export const limitReached = (limit: LimitReached, route: Pick<Route, 'service'>): Refusal =>
  limit === 'client' ? tooManyRequests() : overloaded(route);
