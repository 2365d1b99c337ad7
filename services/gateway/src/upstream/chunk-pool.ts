/**
 * Copies of what was read, for as long as it takes to send them on: the same memory again and again. New memory for each
 * piece of a large body would pile up before it is collected.
 */
const CHUNK_BYTES = 64 * 1024;
const MAX_FREE_BUFFERS = 64;
const free: Buffer[] = [];

export interface PooledChunk {
  readonly bytes: Buffer;
  /** To be called when the bytes are not needed any more. */
  release(): void;
}

export function copyChunk(chunk: Buffer): PooledChunk {
  const buffer =
    (chunk.length <= CHUNK_BYTES && free.pop()) || Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, chunk.length));
  chunk.copy(buffer);
  return {
    bytes: buffer.subarray(0, chunk.length),
    release() {
      if (free.length < MAX_FREE_BUFFERS && buffer.length === CHUNK_BYTES) free.push(buffer);
    },
  };
}
