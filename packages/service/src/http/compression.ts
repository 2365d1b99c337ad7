/**
 * Compresses responses for clients that accept it. A route that returns a secret beside text of its caller turns it off with
 * `compress: false`: the length of the response would give the secret away, letter by letter (BREACH).
 */
import compress from '@fastify/compress';
import type { onSendAsyncHookHandler } from 'fastify';
import type { App } from './app-type.ts';

/** Shorter responses fit into one packet as they are. */
const THRESHOLD_BYTES = 1_024;

/** For all routes that are registered after it. Requests are never decompressed: a few bytes could become gigabytes. */
export async function addCompression(app: App): Promise<void> {
  await app.register(compress, {
    encodings: ['br', 'gzip'],
    threshold: THRESHOLD_BYTES,
    globalDecompression: false,
  });
  app.addHook('onRoute', (route) => {
    if (route.method === 'HEAD') route.onSend = [...[route.onSend ?? []].flat(), withoutOtherLength];
  });
}

/** Fastify names the length of what is not compressed; a response to HEAD may name none, but no other than that to GET. */
const withoutOtherLength: onSendAsyncHookHandler = async ({ headers }, reply) => {
  const length = Number(reply.getHeader('content-length') ?? 0);
  if (headers['accept-encoding'] !== undefined && length >= THRESHOLD_BYTES) reply.removeHeader('content-length');
};
