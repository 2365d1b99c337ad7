/** Daybook, broken on purpose: copies of the sources with a promise taken out, to see that the checker notices. */
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Fault } from './plan.ts';

export interface Edit {
  readonly file: string;
  /** Has to be there, once. */
  readonly from: string;
  readonly to: string;
}

export interface Mutant {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** What brings it to light. */
  readonly deck: readonly Fault[];
  readonly gapMillis: number;
  /** The rules that it breaks: which of them shows first is for chance to say. */
  readonly breaks: readonly string[];
}

export const MUTANTS: readonly Mutant[] = [
  {
    // Its columns stay an index, or every booking would wait for every other.
    name: 'without the key of reservations',
    edits: [
      {
        file: 'services/appointment/migrations/0001-appointments.ts',
        from: `('reservations_pk', ['resource_id', 'cell', 'seat'])`,
        to: `('reservations_pk', ['resource_id', 'cell', 'seat', 'holder_id'])`,
      },
    ],
    deck: [],
    gapMillis: 1000,
    breaks: ['no double booking'],
  },
  {
    name: 'with the outbox written after the commit',
    edits: [
      {
        file: 'packages/database/src/outbox.ts',
        from: `  return transaction.insertInto('outbox').values(events.map(({ event, origin }) => rowOf(event, origin)));
}`,
        to: `  return storeLater(transaction, events.map(({ event, origin }) => rowOf(event, origin)));
}

export const lateEvents = new WeakMap();

function storeLater(transaction, rows) {
  lateEvents.set(transaction, [...(lateEvents.get(transaction) ?? []), ...rows]);
  // Does nothing.
  return transaction.deleteFrom('outbox').where('position', '=', -1);
}`,
      },
      {
        file: 'packages/database/src/outbox.ts',
        from: `  return transaction.insertInto('outbox').values(rowOf(event, origin));`,
        to: `  return storeLater(transaction, [rowOf(event, origin)]);`,
      },
      {
        file: 'packages/database/src/kysely-database.ts',
        from: `import { hasEvents } from './outbox.ts';`,
        to: `import { hasEvents, lateEvents } from './outbox.ts';`,
      },
      {
        file: 'packages/database/src/kysely-database.ts',
        from: `        this.#cannotWrite = false;
        if (begun`,
        to: `        this.#cannotWrite = false;
        const late = begun && lateEvents.get(begun);
        if (late) await this.#writer.transaction().execute((tx) => tx.insertInto('outbox').values(late).execute());
        if (begun`,
      },
    ],
    deck: [
      { kind: 'disconnect', target: 'database' },
      { kind: 'drop-responses', target: 'database' },
      { kind: 'kill', target: 'appointment#1' },
      { kind: 'disconnect', target: 'database' },
      { kind: 'corrupt', target: 'database' },
    ],
    gapMillis: 900,
    breaks: ['each change is published, and nothing else'],
  },
  {
    name: 'without the inbox',
    edits: [
      {
        file: 'packages/messaging/src/consumer.ts',
        from: `    const areNew = await addToInbox(database.dialect, asSharedTransaction(transaction), name, ids);`,
        to: `    const areNew = true;`,
      },
    ],
    deck: [
      { kind: 'drop-responses', target: 'broker' },
      { kind: 'disconnect', target: 'broker' },
      { kind: 'kill', target: 'notification#1' },
      { kind: 'kill', target: 'notification#2' },
    ],
    gapMillis: 1200,
    breaks: ['each change has its message, once'],
  },
  {
    name: 'with a gateway that repeats a POST without a key',
    edits: [
      {
        file: 'services/gateway/src/proxy/attempts.ts',
        from: `IDEMPOTENCY_KEY_METHODS.has(method) && hasIdempotencyKey(headers)`,
        to: `IDEMPOTENCY_KEY_METHODS.has(method) && headers !== undefined`,
      },
    ],
    deck: [
      { kind: 'drop-responses', target: 'patient#1' },
      { kind: 'drop-responses', target: 'patient#2' },
      { kind: 'drop-responses', target: 'appointment#1' },
      { kind: 'drop-responses', target: 'appointment#2' },
    ],
    gapMillis: 900,
    breaks: ['each call has its effect once at most', 'what was refused did not happen'],
  },
];

/** What a system needs to run; tests and tools are not copied. */
const SOURCES = ['packages', 'services', 'launcher'] as const;
const OWN = '@daybook';
/** Written to while it runs. */
const NOT_SHARED = [OWN, '.cache', '.vite', '.vite-temp'];

async function apply(folder: string, { file, from, to }: Edit): Promise<void> {
  const path = join(folder, file);
  const text = await readFile(path, 'utf8');
  const matches = text.split(from).length - 1;
  if (matches !== 1) throw new Error(`the text to break is there ${matches} times in ${file}: ${from.trim()}`);
  await writeFile(
    path,
    text.replace(from, () => to),
  );
}

/** Other packages are those of the original; ours are those of the copy. */
async function linkPackages(root: string, folder: string): Promise<void> {
  const [original, copy] = [join(root, 'node_modules'), join(folder, 'node_modules')];
  if (existsSync(copy)) return;
  await mkdir(join(copy, OWN), { recursive: true });
  for (const name of await readdir(original)) {
    if (!NOT_SHARED.includes(name)) await symlink(join(original, name), join(copy, name));
  }
  for (const name of await readdir(join(original, OWN))) {
    await symlink(await readlink(join(original, OWN, name)), join(copy, OWN, name));
  }
}

/**
 * A folder that held another one keeps what Node compiled: all but the edited files are found compiled, and the system is
 * ready in half the time.
 * @throws when the sources no longer have the text to break: then rewrite the mutant
 */
export async function makeMutant({ edits }: Pick<Mutant, 'edits'>, root: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const isIncluded = (source: string) => !source.includes('/node_modules') && !source.endsWith('.test.ts');
  for (const name of SOURCES) {
    await rm(join(folder, name), { recursive: true, force: true });
    await cp(join(root, name), join(folder, name), { recursive: true, filter: isIncluded });
  }
  await cp(join(root, 'package.json'), join(folder, 'package.json'));
  await linkPackages(root, folder);
  for (const edit of edits) await apply(folder, edit);
}
