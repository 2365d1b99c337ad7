/** `npm run admin -- EMAIL`: prints a one-time link with which an administrator sets up an account. */
import { inviteByCommand } from '@daybook/identity-service/invite-administrator';
import { runCommand } from '@daybook/service';
import { environment } from '../config.ts';
import { localEnvironment } from './local-environment.ts';

await runCommand(async (argv) => inviteByCommand(await localEnvironment(environment), argv, 'npm run -s admin --'));
