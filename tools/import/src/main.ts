/** `npm run import -- FOLDER`: imports a folder of Synthea CSV files into a running Daybook. See README.md. */

import { createApi } from './api.ts';
import { parseArguments } from './arguments.ts';
import { defaultUrl } from './config.ts';
import { ImportFailure } from './import-failure.ts';
import { Progress } from './progress.ts';
import { formatReport } from './report.ts';
import { importFolder } from './synthea/import-folder.ts';

const progress = new Progress(process.stderr);
try {
  const { folder, url = defaultUrl() } = parseArguments(process.argv.slice(2));
  const report = await importFolder({ folder, api: createApi({ url }), progress, now: Temporal.Now.instant() });
  process.stdout.write(`${formatReport(report)}\n`);
} catch (error) {
  if (!(error instanceof ImportFailure)) throw error;
  progress.print(error.message);
  process.exitCode = error.exitCode;
}
