/** Remembers verified tokens until they expire, in bounded memory. */
import type { VerifiedCaller } from '@daybook/contracts';

export interface VerifiedToken {
  readonly caller: VerifiedCaller;
  /** The key that verified it. */
  readonly keyId: string;
  readonly expiresAtMillis: number;
}

/**
 * Maps a token to its caller, and drops the least recently used. Its key is the whole token and not a hash of it, so
 * that no two tokens share a caller.
 */
export class VerifiedTokens {
  readonly #maxCharacters: number;
  readonly #tokens = new Map<string, VerifiedToken>();
  #characters = 0;

  /** @param maxCharacters the sum of the lengths of all tokens */
  constructor(maxCharacters: number) {
    this.#maxCharacters = maxCharacters;
  }

  get size(): number {
    return this.#tokens.size;
  }

  /** Returns the verified token, unless it has expired. */
  find(token: string, nowMillis: number): VerifiedToken | undefined {
    const verified = this.#tokens.get(token);
    if (!verified) return undefined;
    if (nowMillis >= verified.expiresAtMillis) {
      this.delete(token);
      return undefined;
    }
    // Moves it to the end: the map keeps the order of insertion.
    this.#tokens.delete(token);
    this.#tokens.set(token, verified);
    return verified;
  }

  remember(token: string, verified: VerifiedToken): void {
    this.delete(token);
    // Copies the token, because a slice would keep the whole request head in memory.
    this.#tokens.set(Buffer.from(token, 'latin1').toString('latin1'), verified);
    this.#characters += token.length;
    for (const oldest of this.#tokens.keys()) {
      if (this.#characters <= this.#maxCharacters) break;
      this.delete(oldest);
    }
  }

  delete(token: string): void {
    if (this.#tokens.delete(token)) this.#characters -= token.length;
  }
}
