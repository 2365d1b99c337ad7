/** `npm run backup -- FOLDER`: copies the embedded databases, also of a running Daybook, into a new folder. */
import { VERSION } from '@daybook/service';
import { parseBackupArguments } from './arguments.ts';
import { makeBackup } from './backup.ts';
import { dataFolder } from './config.ts';
import { describeBackup } from './report.ts';
import { runTask } from './run-task.ts';

await runTask(async (signal) => {
  const target = parseBackupArguments(process.argv.slice(2));
  return describeBackup(target, await makeBackup({ dataFolder: dataFolder(), target, version: VERSION, signal }));
});
