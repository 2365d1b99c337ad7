/** `npm run restore -- FOLDER [--replace]`: restores a backup into the data folder of a stopped Daybook. */
import { parseRestoreArguments } from './arguments.ts';
import { dataFolder } from './config.ts';
import { describeRestore } from './report.ts';
import { restoreBackup } from './restore.ts';
import { runTask } from './run-task.ts';

await runTask(async (signal) => {
  const { folder, replace } = parseRestoreArguments(process.argv.slice(2));
  const target = dataFolder();
  return describeRestore(target, await restoreBackup({ dataFolder: target, source: folder, replace, signal }));
});
