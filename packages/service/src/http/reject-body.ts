import { Nothing, Refusal } from '@daybook/contracts';
import { createValidator } from '../validation/validation.ts';

const validateEmpty = createValidator(Nothing);

/**
 * A `preValidation` for a POST without a body. A schema would make the API document require one. A body with content is
 * rejected, because it must not be ignored.
 */
export async function rejectBody({ body }: { body: unknown }): Promise<void> {
  const checked = validateEmpty(body ?? {});
  if ('faults' in checked) throw new Refusal('invalid-request', 'This takes no body.', { errors: checked.faults });
}
