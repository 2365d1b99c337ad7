/**
 * Compresses responses for clients that accept it. A route whose response mixes a secret with the caller's text must
 * set `compress: false`. Otherwise the length of the response would reveal the secret letter by letter (BREACH).
 */
import { constants } from 'node:zlib';
import compress from '@fastify/compress';
import type { onSendAsyncHookHandler } from 'fastify';
import type { App } from './app-type.ts';

/** Shorter responses fit into one packet uncompressed. */
const THRESHOLD_BYTES = 1_024;

/**
 * Node reserves a buffer of this size for each compressed response, until the next garbage collection. Most become
 * some hundred bytes.
 */
const CHUNK_BYTES = 2_048;
const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_LGWIN } = constants;
/** A window of 64 KiB covers whole responses. The default is 4 MiB of memory for each. */
const BROTLI = { [BROTLI_PARAM_QUALITY]: 4, [BROTLI_PARAM_LGWIN]: 16 };

/**
 * Applies to all routes that are registered after it. Requests are never decompressed, because a few bytes could become
 * gigabytes.
 */
export async function addCompression(app: App): Promise<void> {
  await app.register(compress, {
    encodings: ['br', 'gzip'],
    brotliOptions: { chunkSize: CHUNK_BYTES, params: BROTLI },
    zlibOptions: { chunkSize: CHUNK_BYTES },
    threshold: THRESHOLD_BYTES,
    globalDecompression: false,
  });
  app.addHook('onRoute', (route) => {
    if (route.method === 'HEAD') route.onSend = [...[route.onSend ?? []].flat(), withoutOtherLength];
  });
}

/**
 * Removes Fastify's length of the uncompressed body. A response to HEAD may omit the length, but must not differ from
 * GET.
 */
const withoutOtherLength: onSendAsyncHookHandler = async ({ headers }, reply) => {
  const length = Number(reply.getHeader('content-length') ?? 0);
  if (headers['accept-encoding'] !== undefined && length >= THRESHOLD_BYTES) reply.removeHeader('content-length');
};
