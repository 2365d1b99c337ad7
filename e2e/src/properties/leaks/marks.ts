/** Unique words that are planted in records, and the search for them in the bytes of responses. */

const LETTERS = 'bcdfghjklmnpqrstvwxz';
const PHONE_DIGITS = 10_000;
/** A part of a response that may be base64url, such as a cursor. */
const ENCODED = /[\w+/-]{12,}/g;

const letterAt = (n: number): string => LETTERS[Math.floor(n) % LETTERS.length] ?? '';

/** Returns the n-th word. The first half of a word is enough to search for it, and is in no other word. */
const wordOf = (n: number): string =>
  `zq${letterAt(n / LETTERS.length ** 2)}${letterAt(n / LETTERS.length)}${letterAt(n)}bkwtm`;

function percentDecoded(text: string): string {
  return text.replaceAll(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** Returns a text with all that it holds in an encoding, in lower case. */
function readings(text: string): string {
  const plain = percentDecoded(percentDecoded(text));
  const decoded = [...text.matchAll(ENCODED)].map(([part]) => Buffer.from(part, 'base64url').toString('latin1'));
  return [text, plain, ...decoded].join('\n').toLowerCase();
}

export class Marks {
  /** Where each mark is planted. */
  readonly #planted = new Map<string, string>();

  #plant(mark: string, where: string): string {
    this.#planted.set(mark.toLowerCase(), where);
    return mark;
  }

  /** Returns a new word to plant. */
  word(where: string): string {
    return this.#plant(wordOf(this.#planted.size + 1), where);
  }

  email = (where: string): string => `${this.word(where)}@example.org`;

  phone(where: string): string {
    return `+${this.#plant(`1555909${String(PHONE_DIGITS + this.#planted.size).slice(1)}`, where)}`;
  }

  /** Hides an id, and returns it. */
  id<Id extends string>(id: Id, where: string): Id {
    this.#plant(id, where);
    return id;
  }

  get all(): ReadonlyMap<string, string> {
    return this.#planted;
  }

  /** Returns where the marks of a response were planted. Those that the request has itself do not count. */
  foundIn(response: Buffer, request: Buffer): string[] {
    const [received, sent] = [readings(response.toString('latin1')), readings(request.toString('latin1'))];
    return [...this.#planted]
      .filter(([mark]) => received.includes(mark) && !sent.includes(mark))
      .map(([mark, where]) => `${where} (${mark})`);
  }
}
