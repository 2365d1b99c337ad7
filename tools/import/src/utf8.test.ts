import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { describe, expect, it } from 'vitest';
import { checkUtf8 } from './utf8.ts';

const read = async (bytes: Buffer, chunk: number): Promise<Buffer> => {
  const chunks = Array.from({ length: Math.ceil(bytes.length / chunk) }, (_, index) =>
    bytes.subarray(index * chunk, (index + 1) * chunk),
  );
  const check = checkUtf8('patients.csv');
  const [read] = await Promise.all([buffer(check), pipeline(Readable.from(chunks), check)]);
  return read;
};

const latin1 = (text: string) => Buffer.from(text, 'latin1');

describe('a file', () => {
  it.each([1, 2, 3, 7, 1000])('that is UTF-8 passes unchanged in pieces of %i bytes', async (chunk) => {
    for (const text of ['', 'a', 'Id,NAME\np1,José\r\np2,Łucja 🩺\n', '\n\n', 'Ñ\nñ']) {
      expect((await read(Buffer.from(text), chunk)).toString()).toBe(text);
    }
  });

  it.each([1, 3, 1000])('that is not stops with its name and the line, in pieces of %i bytes', async (chunk) => {
    const cases = [
      [latin1('José\n'), 1],
      [latin1('Id,NAME\np1,Ana\np2,José\np3,Núria\n'), 3],
      [Buffer.concat([Buffer.from('Id\nJosé\n'), latin1('José')]), 3],
      [Buffer.concat([Buffer.from('Id\n'), Buffer.from([0xc3])]), 2],
      [Buffer.concat([Buffer.from('Id\n'), Buffer.from([0xc3, 0x0a, 0xa9])]), 2],
    ] as const;
    for (const [bytes, line] of cases) {
      await expect(read(bytes, chunk)).rejects.toMatchObject({
        message: expect.stringContaining(`patients.csv, line ${line} is not UTF-8`),
        exitCode: 65,
      });
    }
  });

  it('of one line without an end is not kept in memory', async () => {
    await expect(read(Buffer.alloc(5 * 1024 * 1024, 'a'), 65_536)).rejects.toMatchObject({ exitCode: 65 });
  });
});
