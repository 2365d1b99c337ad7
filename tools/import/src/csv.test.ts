import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { checkTable, readRows, type Table } from './csv.ts';

async function tableOf(content: string): Promise<Table> {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-csv-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'some.csv');
  await writeFile(path, content);
  return { path, name: 'some.csv', columns: ['Id', 'NAME'] };
}

async function readAll(content: string) {
  const rows = await Array.fromAsync(readRows(await tableOf(content)));
  return rows.map(({ line, cells }) => [line, cells?.('Id'), cells?.('NAME')]);
}

test('columns are found by name, in any order and with others between', async () => {
  expect(await readAll('OTHER,name,ID\nx, Ana ,1\n')).toEqual([[2, '1', 'Ana']]);
});

test('a mark of the byte order, quotes, empty lines and lines of Windows are read', async () => {
  expect(await readAll('\ufeffId,NAME\r\n1,"Silva, Ana"\r\n\r\n2,Zoë "Z" X\r\n')).toEqual([
    [2, '1', 'Silva, Ana'],
    [4, '2', 'Zoë "Z" X'],
  ]);
});

test('a row over several lines is named by its last one, and those after it are not moved', async () => {
  expect(await readAll('Id,NAME\n1,"a\nb"\n2,c')).toEqual([
    [3, '1', 'a\nb'],
    [4, '2', 'c'],
  ]);
});

test('a row of another width than the header has no cells', async () => {
  expect(await readAll('Id,NAME\n1\n2,b,c\n3,d\n')).toEqual([
    [2, undefined, undefined],
    [3, undefined, undefined],
    [4, '3', 'd'],
  ]);
});

test('bytes rise up to the size of the file', async () => {
  const rows = await Array.fromAsync(readRows(await tableOf('Id,NAME\n1,é\n2,b\n')));
  expect(rows.map(({ bytes }) => bytes)).toEqual([13, 17]);
});

test('a table without rows is a table', async () => {
  expect(await readAll('Id,NAME\n')).toEqual([]);
  await checkTable(await tableOf('Id,NAME\n'));
});

test.each([
  ['OTHER\n1\n', 'some.csv lacks what is needed: there is no column Id, NAME.'],
  ['', 'some.csv is empty: it has no line with the names of columns.'],
  ['Id,NAME\n1,"secret', 'some.csv is not CSV (CSV_QUOTE_NOT_CLOSED, line 2).'],
])('%j is not such a table', async (content, message) => {
  await expect(readAll(content)).rejects.toMatchObject({ exitCode: 65, message });
});

test('a record without an end is not read into memory', async () => {
  const content = `Id,NAME\n1,"${'x'.repeat(1_100_000)}"\n`;
  await expect(readAll(content)).rejects.toMatchObject({ exitCode: 65 });
});

test('a file that is not there, or is a folder, is reported', async () => {
  const table = await tableOf('');
  const missing = { ...table, path: `${table.path}.not` };
  await expect(checkTable(missing)).rejects.toMatchObject({ exitCode: 69, message: expect.stringContaining('ENOENT') });
  const folder = { ...table, path: join(table.path, '..') };
  await expect(checkTable(folder)).rejects.toMatchObject({ exitCode: 69, message: expect.stringContaining('EISDIR') });
});
