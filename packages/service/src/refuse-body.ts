import { Nothing, Refusal } from '@daybook/contracts';
import { checkerOf } from './validation.ts';

const checkNothing = checkerOf(Nothing);

/**
 * A `preValidation` for a POST without a body, in place of a schema, which would make the API document demand one. A
 * body that says something is not to be ignored.
 */
export async function refuseBody({ body }: { body: unknown }): Promise<void> {
  const checked = checkNothing(body ?? {});
  if ('faults' in checked) throw new Refusal('invalid-request', 'This takes no body.', { errors: checked.faults });
}
