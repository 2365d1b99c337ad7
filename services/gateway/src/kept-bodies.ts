/** Bodies that are kept until their answer is there, so that they can be sent to another instance: small ones, and few. */
import type { IncomingMessage } from 'node:http';
import { guarded } from '@daybook/service';
import { announcedLength } from './request-body.ts';

const LARGEST_BYTES = 64 * 1024;
const ALL_BYTES = 16 * 1024 * 1024;

export interface ReadBody {
  readonly chunks: readonly Buffer[];
  /** False when there is more than is kept: the rest has not been read. */
  readonly isWhole: boolean;
}

export class KeptBodies {
  #left = ALL_BYTES;

  /** How many bytes are set aside for the body of a request; 0 when it is not to be kept. */
  reserve(request: IncomingMessage): number {
    const bytes = announcedLength(request) ?? LARGEST_BYTES;
    if (bytes > LARGEST_BYTES || bytes > this.#left) return 0;
    this.#left -= bytes;
    return bytes;
  }

  release(bytes: number): void {
    this.#left += bytes;
  }
}

/** Reads a body until its end, or until there is more than `most`. Says nothing of one that breaks off. */
export function readBody(request: IncomingMessage, most: number, take: (body: ReadBody) => void): void {
  const chunks: Buffer[] = [];
  let received = 0;
  function done(isWhole: boolean): void {
    request.off('data', onData).off('end', onEnd);
    if (!isWhole) request.pause();
    take({ chunks, isWhole });
  }
  const onData = guarded(request.socket, (chunk: Buffer): void => {
    chunks.push(chunk);
    received += chunk.length;
    if (received > most) done(false);
  });
  const onEnd = guarded(request.socket, (): void => done(true));
  request.on('data', onData).on('end', onEnd);
}
