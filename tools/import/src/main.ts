/** `npm run import -- FOLDER`: brings a folder of Synthea CSV files into a running Daybook. See README.md. */
import { parseArguments } from './arguments.ts';
import { defaultUrl } from './config.ts';
import { createDoor } from './door.ts';
import { ImportFailure } from './import-failure.ts';
import { importFolder } from './import-folder.ts';
import { formatReport } from './report.ts';
import { Screen } from './screen.ts';

const screen = new Screen(process.stderr);
try {
  const { folder, url = defaultUrl() } = parseArguments(process.argv.slice(2));
  const report = await importFolder({ folder, door: createDoor({ url }), screen, now: Temporal.Now.instant() });
  process.stdout.write(`${formatReport(report)}\n`);
} catch (error) {
  if (!(error instanceof ImportFailure)) throw error;
  screen.say(error.message);
  process.exitCode = error.exitCode;
}
