/** `npm run import -- FOLDER`: imports a folder of Synthea CSV files into a running Daybook. See README.md. */

import { createTokenSource } from '@daybook/launcher/tokens';
import { StartFailure } from '@daybook/service';
import { createApi } from './api.ts';
import { parseArguments } from './arguments.ts';
import { defaultUrl, environment } from './config.ts';
import { ImportFailure } from './import-failure.ts';
import { Progress } from './progress.ts';
import { formatReport } from './report.ts';
import { importFolder } from './synthea/import-folder.ts';

const progress = new Progress(process.stderr);
try {
  const { folder, url = defaultUrl() } = parseArguments(process.argv.slice(2));
  await using tokens = createTokenSource(environment);
  const token = async () => environment.DAYBOOK_TOKEN || tokens.tokenFor({ role: 'administrator' });
  const report = await importFolder({ folder, api: createApi({ url, token }), progress, now: Temporal.Now.instant() });
  process.stdout.write(`${formatReport(report)}\n`);
} catch (error) {
  if (!(error instanceof ImportFailure || error instanceof StartFailure)) throw error;
  progress.print(error.message);
  process.exitCode = error.exitCode;
}
