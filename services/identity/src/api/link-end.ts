import { Refusal } from '@daybook/contracts';
import type { Clock } from '@daybook/service';

/**
 * Returns the end of a link as a member of a patient link, if a request names one.
 * @throws Refusal `invalid-interval` when it has passed
 */
export function instantIn(until: string | undefined, clock: Clock): { endsAt?: Temporal.Instant } {
  if (until === undefined) return {};
  const endsAt = Temporal.Instant.from(until);
  if (endsAt.epochMilliseconds > clock().epochMilliseconds) return { endsAt };
  const errors = [{ pointer: '/until', message: 'has passed' }];
  throw new Refusal('invalid-interval', 'The link would have ended already.', { errors });
}
