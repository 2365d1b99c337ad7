/** Writes a document as its reader wants it: XML or JSON, full or compact, compressed or not. */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Extent } from '../domain/applications.ts';

export interface Representation {
  readonly format: 'json' | 'xml';
  readonly extent: Extent;
  readonly gzipped: boolean;
}

export interface EncodedResponse {
  readonly representation: Representation;
  readonly body: string | Buffer;
}

/** Compression does not shorten shorter responses. */
const MIN_GZIP_LENGTH = 1024;
const zip = promisify(gzip);

/** Returns the representation for a request. As in Eureka, XML is the default, and JSON requires an Accept header. */
export function representationFor({ headers }: FastifyRequest): Representation {
  return {
    format: headers.accept?.toLowerCase().includes('json') ? 'json' : 'xml',
    extent: headers['x-eureka-accept'] === 'compact' ? 'compact' : 'full',
    gzipped: /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/i.test(String(headers['accept-encoding'] ?? '')),
  };
}

export async function write(representation: Representation, json: object, xml: () => string): Promise<EncodedResponse> {
  const text = representation.format === 'json' ? JSON.stringify(json) : xml();
  const gzipped = representation.gzipped && text.length >= MIN_GZIP_LENGTH;
  return { representation: { ...representation, gzipped }, body: gzipped ? await zip(text) : text };
}

export function send(reply: FastifyReply, { representation, body }: EncodedResponse): FastifyReply {
  if (representation.gzipped) reply.header('content-encoding', 'gzip');
  return reply
    .header('vary', 'accept, accept-encoding, x-eureka-accept')
    .type(`application/${representation.format}`)
    .send(body);
}
