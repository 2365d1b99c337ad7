/** Reads a CSV file row by row, by the names of its columns. */
import { createReadStream } from 'node:fs';
import { pipeline, Writable } from 'node:stream';
import { pipeline as finished } from 'node:stream/promises';
import { EXIT } from '@daybook/service/exit-codes';
import { CsvError, type InfoRecord, parse } from 'csv-parse';
import { ImportFailure } from './import-failure.ts';
import { checkUtf8 } from './utf8.ts';

export interface Table {
  readonly path: string;
  /** The name for people: `patients.csv`. */
  readonly name: string;
  /** The required columns; others are ignored. */
  readonly columns: readonly string[];
}

/** Returns the trimmed text of a required column in one row. */
export type Cells = (column: string) => string;

export interface Row {
  /** The line in the file, from 1; the last one of a row with several lines. */
  readonly line: number;
  /** The bytes of the file up to the end of this row. */
  readonly bytes: number;
  /** Undefined when the row has more or fewer fields than the header. */
  readonly cells: Cells | undefined;
}

/** Bounds a record, because an unclosed quote would turn the rest of the file into one. */
const MAX_RECORD_CHARACTERS = 1_000_000;

interface ParsedRecord {
  info: Pick<InfoRecord, 'bytes' | 'lines'>;
  record: string[];
}

/**
 * Yields the rows of a table.
 * @throws ImportFailure 69 when the file cannot be read, 65 when it is not such a table
 */
export async function* readRows(table: Table): AsyncGenerator<Row, void, undefined> {
  const parser = parse({
    bom: true,
    info: true,
    max_record_size: MAX_RECORD_CHARACTERS,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
  });
  // An error of the file destroys the parser, so the loop below receives it.
  pipeline(createReadStream(table.path), checkUtf8(table.name), parser, () => undefined);
  // The library leaves the items of its stream untyped. With `info: true` they have this type.
  const entries: AsyncIterable<ParsedRecord> = parser;
  let header: Header | undefined;
  try {
    for await (const { info, record } of entries) {
      if (header) yield { line: info.lines, bytes: info.bytes, cells: header.cellsOf(record) };
      else header = new Header(table, record);
    }
  } catch (error) {
    throw failureOf(error, table);
  }
  if (!header) throw new ImportFailure(EXIT.data, `${table.name} is empty: it has no line with the names of columns.`);
}

/** Throws as reading would, when the file, its header or its encoding is invalid. */
export async function checkTable(table: Table): Promise<void> {
  const rows = readRows(table);
  await rows.next();
  await rows.return();
  const discard = new Writable({ write: (_chunk, _encoding, done) => done() });
  try {
    await finished(createReadStream(table.path), checkUtf8(table.name), discard);
  } catch (error) {
    throw failureOf(error, table);
  }
}

class Header {
  readonly #width: number;
  readonly #columnIndexes: ReadonlyMap<string, number>;

  constructor({ name, columns }: Table, record: readonly string[]) {
    // Some exports write all names in lower case.
    const written = record.map((column) => column.trim().toLowerCase());
    const missing = columns.filter((column) => !written.includes(column.toLowerCase()));
    if (missing.length > 0) {
      throw new ImportFailure(EXIT.data, `${name} lacks what is needed: there is no column ${missing.join(', ')}.`);
    }
    this.#width = record.length;
    this.#columnIndexes = new Map(columns.map((column) => [column, written.indexOf(column.toLowerCase())]));
  }

  cellsOf(record: readonly string[]): Cells | undefined {
    if (record.length !== this.#width) return undefined;
    return (column) => {
      const text = record[this.#columnIndexes.get(column) ?? -1];
      if (text === undefined) throw new Error(`${column} is not among the requested columns`);
      return text.trim();
    };
  }
}

/** Returns an error without content of the file, which the parser's own messages quote. */
function failureOf(error: unknown, { name, path }: Table): unknown {
  if (error instanceof CsvError) {
    const line = typeof error.lines === 'number' ? ` (${error.code}, line ${error.lines})` : ` (${error.code})`;
    return new ImportFailure(EXIT.data, `${name} is not CSV${line}.`, { cause: error });
  }
  if (error instanceof Error && 'syscall' in error && 'code' in error) {
    return new ImportFailure(EXIT.unavailable, `${path} cannot be read (${error.code}).`, { cause: error });
  }
  return error;
}
