/**
 * Prints a one-time link with which an administrator sets up an account, from inside of a container of identity:
 * `node services/identity/src/admin-main.ts EMAIL`. A container has no npm, and no data folder with the address.
 */
import { runCommand } from '@daybook/service';
import { environment } from './config.ts';
import { inviteByCommand } from './invite-administrator.ts';

await runCommand((argv) => inviteByCommand(environment, argv, 'node services/identity/src/admin-main.ts'));
