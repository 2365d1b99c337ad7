/** The contents of a backup, by which a restore checks that it is complete. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createValidator, EXIT } from '@daybook/service';
import { type Static, Type } from 'typebox';
import { BackupFailure, mapIoError } from './backup-failure.ts';
import { writeDurably } from './files.ts';

const MANIFEST_FILE = 'manifest.json';

/** Rises when earlier readers can no longer read a backup. */
const FORMAT = 1;

const Manifest = Type.Object({
  format: Type.Literal(FORMAT),
  /** The version of Daybook that wrote it. */
  daybook: Type.String({ minLength: 1, maxLength: 100 }),
  /** The moment of the snapshot. */
  instant: Type.String({ format: 'date-time' }),
  files: Type.Array(
    Type.Object({
      // A plain name, so that a restore writes into the data folder only.
      name: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,60}\\.sqlite$' }),
      bytes: Type.Integer({ minimum: 0 }),
      sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    }),
    { minItems: 1, maxItems: 100 },
  ),
});

export type Manifest = Static<typeof Manifest>;
export type BackedUpFile = Manifest['files'][number];

const check = createValidator(Manifest);

export const manifestOf = (daybook: string, instant: Temporal.Instant, files: BackedUpFile[]): Manifest => ({
  format: FORMAT,
  daybook,
  instant: instant.toString(),
  files,
});

export const writeManifest = (folder: string, manifest: Manifest): Promise<void> =>
  writeDurably(join(folder, MANIFEST_FILE), `${JSON.stringify(manifest, undefined, 2)}\n`);

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * Reads the manifest.
 * @throws BackupFailure 74 when none exists, 65 when it is invalid
 */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, MANIFEST_FILE);
  const text = await mapIoError(`No backup can be read in ${folder}: ${path}`, () => readFile(path, 'utf8'));
  const content = parse(text);
  if (typeof content === 'object' && content !== null && 'format' in content && Number(content.format) > FORMAT) {
    throw new BackupFailure(EXIT.data, `The backup ${folder} was made by a newer Daybook. Restore it with that one.`);
  }
  const checked = check(content);
  if (!('value' in checked)) throw new BackupFailure(EXIT.data, `${path} is not the manifest of a backup.`);
  const names = checked.value.files.map(({ name }) => name);
  if (new Set(names).size < names.length) throw new BackupFailure(EXIT.data, `${path} names a file twice.`);
  return checked.value;
}
