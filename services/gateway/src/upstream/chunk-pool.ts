/**
 * Copies received bytes until they are sent, and reuses the memory of the copies. New memory for each chunk of a large
 * body would accumulate before it is collected.
 */
const CHUNK_BYTES = 64 * 1024;
const MAX_FREE_BUFFERS = 64;
const free: Buffer[] = [];

export interface PooledChunk {
  readonly bytes: Buffer;
  /** Must be called when the bytes are no longer needed. */
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
