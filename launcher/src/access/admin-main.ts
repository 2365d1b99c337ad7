/** `npm run admin -- EMAIL`: prints a one-time link with which an administrator sets up an account. */
import { inviteAdministrator, NotAdministrator } from '@daybook/identity-service/invite-administrator';
import { EXIT, StartFailure } from '@daybook/service';
import { environment } from '../config.ts';
import { localEnvironment } from './local-environment.ts';
import { runCommand } from './run-command.ts';

const USAGE = 'Usage: npm run -s admin -- EMAIL';
const EMAIL = /^[^\s@]+@[^\s@]+$/;

await runCommand(async ([email = '', ...others]) => {
  if (!EMAIL.test(email) || others.length > 0) throw new StartFailure(EXIT.usage, USAGE);
  try {
    return await inviteAdministrator(await localEnvironment(environment), email);
  } catch (error) {
    if (!(error instanceof NotAdministrator)) throw error;
    throw new StartFailure(EXIT.usage, 'The address belongs to an account that is no administrator’s.', {
      cause: error,
    });
  }
});
