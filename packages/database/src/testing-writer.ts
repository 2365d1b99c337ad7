/** For this package's tests, as a separate process: increments a counter and writes notes, one transaction each. */
import { openDatabase } from './open-database.ts';
import { insertNote, type NoteTables, noteMigrations } from './testing-notes.ts';

const [, , url = '', writer = '', count = '0'] = process.argv;

const database = await openDatabase<NoteTables>(url, noteMigrations);
for (let index = 0; index < Number(count); index += 1) {
  await database.write(async (transaction) => {
    await transaction
      .updateTable('counter')
      .set((row) => ({ value: row('value', '+', 1) }))
      .execute();
    await insertNote(transaction, `${writer} ${index}`).execute();
  });
}
await database.close();
