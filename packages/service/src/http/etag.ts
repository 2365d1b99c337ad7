/** ETags (RFC 9110, section 13): the version of a resource is its strong ETag. */
import { Refusal } from '@daybook/contracts';
import { storeNoResponse, type WriteContext } from '@daybook/database';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** `view` tells apart what can be shown of one version: a part of it, a day of it. */
export const etagOf = (version: number, view?: string): string =>
  view === undefined ? `"${version}"` : `"${version}/${view}"`;

/** Who knows any view of a version knows that version; only what has views has tags of them. */
const namesVersion = (etag: string, version: number, hasViews: boolean): boolean =>
  etag === etagOf(version) || (hasViews && etag.startsWith(`"${version}/`) && etag.endsWith('"'));

const TAG = String.raw`(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"`;
const EACH_TAG = new RegExp(TAG, 'g');
/** Empty members of a list count for nothing (RFC 9110, section 5.6.1). */
const TAG_LIST = new RegExp(String.raw`^[\t ,]*${TAG}(?:[\t ]*,[\t ,]*${TAG})*[\t ,]*$`);

const entityTags = (header: string): string[] => header.match(EACH_TAG) ?? [];

/** What a write demands of the version that it changes. */
export interface Precondition {
  /** Throws `precondition-failed` when the resource is not at a version that the caller knows. */
  check(version: number): void;
}

/**
 * The `If-Match` of a request; one without it demands nothing.
 * @throws Refusal `invalid-request` when it is neither `*` nor a list of entity tags: that says nothing about the resource
 */
export function preconditionOf(request: FastifyRequest, hasViews = false): Precondition {
  const header = request.headers['if-match'];
  const isAny = header?.trim() === '*';
  if (header !== undefined && !isAny && !TAG_LIST.test(header)) {
    throw new Refusal(
      'invalid-request',
      'The If-Match is not an ETag. Send the ETag as you read it, quotes included.',
      {
        errors: [{ pointer: '/if-match', message: 'must be * or ETags in quotes, separated by commas' }],
      },
    );
  }
  return {
    check(version) {
      if (header === undefined || isAny) return;
      if (entityTags(header).some((etag) => namesVersion(etag, version, hasViews))) return;
      throw new Refusal('precondition-failed', 'It has changed since you read it: read it again.');
    },
  };
}

/** Not by Fastify's `signal`: that ends with the body of the request, long before the answer. */
const isCallerWaiting = (request: FastifyRequest): boolean =>
  performance.now() < request.deadline && !request.raw.socket.destroyed;

/** What comes with a write that no Idempotency-Key names. `hasViews`: the resource is shown with a view in its tag. */
export const writeContextOf = (request: FastifyRequest, { hasViews = false } = {}): WriteContext<unknown> => ({
  storeResponse: storeNoResponse,
  traceparent: request.trace.traceparent,
  isCallerWaiting: () => isCallerWaiting(request),
  checkVersion: preconditionOf(request, hasViews).check,
});

/** Answers with one resource and its ETag, or 304 when the caller has this version already. */
export function sendVersioned<Resource extends { version: number }>(
  request: FastifyRequest,
  reply: FastifyReply,
  resource: Resource,
): void {
  sendTagged(request, reply, resource, resource.version);
}

/** The same for a resource that does not show its version, or of which a version has several views. */
export function sendTagged(
  request: FastifyRequest,
  reply: FastifyReply,
  body: unknown,
  version: number,
  view?: string,
): void {
  const etag = etagOf(version, view);
  reply.header('etag', etag);
  const known = request.headers['if-none-match'];
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  if (
    isRead &&
    known !== undefined &&
    (known.trim() === '*' || entityTags(known).some((tag) => tag.replace(/^W\//, '') === etag))
  ) {
    reply.code(304).send();
  } else {
    reply.send(body);
  }
}
