/**
 * Copies of what was read, for as long as it takes to send them on: the same memory again and again. New memory for each
 * piece of a large body would pile up before it is collected.
 */
const PIECE_BYTES = 64 * 1024;
const MOST_FREE = 64;
const free: Buffer[] = [];

export interface Copy {
  readonly bytes: Buffer;
  /** To be called when the bytes are not needed any more. */
  giveBack(): void;
}

export function copyOf(chunk: Buffer): Copy {
  const place =
    (chunk.length <= PIECE_BYTES && free.pop()) || Buffer.allocUnsafeSlow(Math.max(PIECE_BYTES, chunk.length));
  chunk.copy(place);
  return {
    bytes: place.subarray(0, chunk.length),
    giveBack() {
      if (free.length < MOST_FREE && place.length === PIECE_BYTES) free.push(place);
    },
  };
}
