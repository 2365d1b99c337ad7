import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { json, text } from 'node:stream/consumers';
import { canLimitFileSize } from '@daybook/testing';
import { expect, it } from 'vitest';
import { notesOf, temporaryFile } from '../testing.ts';

// The title shows that a test was skipped because the machine cannot run it.
const where = canLimitFileSize ? '' : ' (left out: this machine has no prlimit to make writes fail with)';

it.skipIf(!canLimitFileSize)(
  `keeps what was confirmed while the log cannot be moved into the database, and moves it when there is space${where}`,
  async () => {
    await using file = await temporaryFile();
    const script = join(import.meta.dirname, 'testing-full-disk.ts');
    const child = spawn(process.execPath, [script, file.path], { stdio: ['ignore', 'pipe', 'pipe'] });
    const complaints = text(child.stderr);
    const report = json(child.stdout).catch(async (error) => {
      throw new Error(await complaints, { cause: error });
    });
    const [code] = await once(child, 'close');
    expect(await report).toEqual({
      full: { refused: true, readable: true, sizeStayed: true, logIsFull: true },
      free: { grew: true, notes: 1 },
    });
    expect({ code, complaints: await complaints }).toEqual({ code: 0, complaints: '' });
    expect((await notesOf(await file.open())).length).toBeGreaterThan(160);
  },
);
