/** Rejects a file at its first line that is not UTF-8, because decoding it would damage names. */
import { isUtf8 } from 'node:buffer';
import { Transform } from 'node:stream';
import { EXIT } from '@daybook/service/exit-codes';
import { ImportFailure } from './import-failure.ts';

const NEWLINE = 0x0a;
/** More than any row; the most bytes that are kept while a line is incomplete. */
const LONGEST_LINE_BYTES = 4 * 1024 * 1024;

/** Passes whole lines on. Throws ImportFailure 65 that names file and line. */
export function checkUtf8(name: string): Transform {
  let rest = Buffer.alloc(0);
  let lines = 0;

  /** Returns the number of the first line that is not UTF-8; undefined when all lines are. */
  function badLine(text: Buffer): number | undefined {
    if (isUtf8(text)) return undefined;
    let [line, from] = [lines + 1, 0];
    for (let end = text.indexOf(NEWLINE); end >= 0 && isUtf8(text.subarray(from, end)); ) {
      [line, from] = [line + 1, end + 1];
      end = text.indexOf(NEWLINE, from);
    }
    return line;
  }

  function failureIn(text: Buffer): ImportFailure | undefined {
    const line = badLine(text);
    if (line === undefined) return undefined;
    return new ImportFailure(
      EXIT.data,
      `${name}, line ${line} is not UTF-8. Save the file as UTF-8 and import it again.`,
    );
  }

  function countLines(text: Buffer): void {
    for (let at = text.indexOf(NEWLINE); at >= 0; at = text.indexOf(NEWLINE, at + 1)) lines += 1;
  }

  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const text = Buffer.concat([rest, chunk]);
      const whole = text.subarray(0, text.lastIndexOf(NEWLINE) + 1);
      rest = text.subarray(whole.length);
      const tooLong = rest.length > LONGEST_LINE_BYTES;
      const failure = tooLong
        ? new ImportFailure(EXIT.data, `${name}, line ${lines + 1} is longer than any row.`)
        : failureIn(whole);
      if (failure) return done(failure);
      countLines(whole);
      done(null, whole);
    },
    flush(done) {
      const failure = failureIn(rest);
      if (failure) done(failure);
      else done(null, rest);
    },
  });
}
