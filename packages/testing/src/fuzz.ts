/**
 * Random bytes for tests of parsers, the same for the same seed. DAYBOOK_FUZZ_SEED repeats a run, DAYBOOK_FUZZ_ROUNDS
 * makes it longer. Texts hold one byte a character (latin1).
 */

export const FUZZ_SEED = Number(process.env.DAYBOOK_FUZZ_SEED ?? 20_261_123);
export const FUZZ_ROUNDS = Number(process.env.DAYBOOK_FUZZ_ROUNDS ?? 24);

/** Describes how to repeat one round, for the message of a failure. */
export const fuzzRound = (round: number): string => `DAYBOOK_FUZZ_SEED=${FUZZ_SEED + round} DAYBOOK_FUZZ_ROUNDS=1`;

/** Generates numbers that depend only on a seed (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** Returns a whole number from 0 up to, but not including, `end`. */
  below(end: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * end);
  }

  /** Returns one item of a list that is not empty. */
  of<T>(list: readonly T[]): T {
    const item = list[this.below(list.length)];
    if (item === undefined) throw new Error('The list to choose from is empty: give at least one item');
    return item;
  }
}

/**
 * Characters on which parsers differ: line ends, blanks, control characters, separators, and characters beyond ASCII.
 */
const SPECIAL = [
  ...'\r\n\t\0\v\f\x01\x1b\x1f\x7f\x80\x85\xa0\xad\xc4\xe4\xff',
  ...' :;,=_-+.#?/*%"\\()<>@[]{}|~0159aAfFxZ',
  '\r\n',
  '\r\n\r\n',
  '\r\n ',
  '\r\n\t',
  '\n\n',
  ' \t',
  'chunked',
  'close',
  'keep-alive',
];

/** Changes a text in one way. */
type Mutation = (text: string, at: number, random: Random) => string;

const cut = (text: string, start: number, end: number): string => text.slice(0, start) + text.slice(end);
const put = (text: string, at: number, part: string): string => text.slice(0, at) + part + text.slice(at);

/** Returns the start of the line at a place, and the start of the next one. */
function lineAt(text: string, at: number): [start: number, end: number] {
  const start = text.lastIndexOf('\n', Math.max(0, at - 1)) + 1;
  const end = text.indexOf('\n', start);
  return [start, end === -1 ? text.length : end + 1];
}

const flipBit: Mutation = (text, at, random) =>
  text.slice(0, at) + String.fromCharCode((text.charCodeAt(at) ^ (1 << random.below(8))) & 0xff) + text.slice(at + 1);

const anyByte: Mutation = (text, at, random) =>
  text.slice(0, at) + String.fromCharCode(random.below(256)) + text.slice(at + 1);

/** Flips the case of an ASCII letter; its effect on other characters does not matter. */
const changeCase: Mutation = (text, at) =>
  text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ 0x20) + text.slice(at + 1);

const repeatLine: Mutation = (text, at, random) => {
  const [start, end] = lineAt(text, at);
  return put(text, random.below(4) === 0 ? lineAt(text, random.below(text.length))[0] : end, text.slice(start, end));
};

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  anyByte,
  changeCase,
  (text, at, random) => text.slice(0, at) + random.of(SPECIAL) + text.slice(at + 1),
  (text, at, random) => put(text, at, random.of(SPECIAL)),
  (text, at, random) => put(text, at, random.of(SPECIAL)),
  (text, at) => cut(text, at, at + 1),
  (text, at, random) => cut(text, at, at + 1 + random.below(8)),
  (text, at) => cut(text, ...lineAt(text, at)),
  repeatLine,
  // Parsers are most sensitive at the start and the end of a line.
  (text, at, random) => put(text, lineAt(text, at)[0], random.of(SPECIAL)),
  (text, at, random) => put(text, Math.max(0, lineAt(text, at)[1] - random.below(3)), random.of(SPECIAL)),
  (text, at, random) => put(text, Math.max(0, text.indexOf(':', at)) + random.below(3), random.of(SPECIAL)),
];

/** Returns a text with `count` changes. */
export function mutate(text: string, count: number, random: Random): string {
  let mutated = text;
  for (let done = 0; done < count; done += 1) {
    mutated = random.of(MUTATIONS)(mutated, random.below(mutated.length), random);
  }
  return mutated;
}

/** Splits bytes into pieces of random sizes. */
export function* piecesOf(bytes: Buffer, random: Random): Generator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + 1 + random.below(random.below(4) === 0 ? 64 : 8));
    yield bytes.subarray(at, end);
    at = end;
  }
}
