/** `npm run audit:verify`: verifies the chain of the audit trail, and names the first broken link. */
import { DatabaseUnusable, openDatabase } from '@daybook/database';
import { databaseUrlOf, EXIT, InvalidConfiguration } from '@daybook/service';
import { migrations } from '../migrations/index.ts';
import { environment, readConfig } from './config.ts';
import { verifyAuditChain } from './store/audit.ts';
import type { IdentityTables } from './store/tables.ts';

try {
  const url = databaseUrlOf(readConfig(environment), 'identity');
  const database = await openDatabase<IdentityTables>(url, migrations);
  try {
    const report = await verifyAuditChain(database);
    if (report.isWhole) process.stdout.write(`The audit chain is whole: ${report.entries} entries.\n`);
    else {
      process.stdout.write(`The audit chain is broken at entry ${report.brokenAt}: ${report.reason}.\n`);
      process.exitCode = EXIT.data;
    }
  } finally {
    await database.close();
  }
} catch (error) {
  if (!(error instanceof InvalidConfiguration || error instanceof DatabaseUnusable)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error instanceof InvalidConfiguration ? EXIT.configuration : EXIT.unavailable;
}
