/** `npm run token -- ROLE [ID]`: prints an access token of the local system, good for five minutes, for use with curl. */
import { openLocalTokens } from '@daybook/identity-service/local-tokens';
import { runCommand } from '@daybook/service';
import { environment } from '../config.ts';
import { localEnvironment } from './local-environment.ts';
import { readTokenArguments } from './token-arguments.ts';

await runCommand(async (argv) => {
  const caller = readTokenArguments(argv);
  await using tokens = await openLocalTokens(await localEnvironment(environment));
  return await tokens.sign(caller);
});
