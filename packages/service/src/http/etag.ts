/** ETags (RFC 9110, section 13): the version of a resource is its strong ETag. */
import { Refusal } from '@daybook/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Returns the ETag. `view` distinguishes views of one version, such as a part or a day of it. */
export const etagOf = (version: number, view?: string): string =>
  view === undefined ? `"${version}"` : `"${version}/${view}"`;

/** Returns whether a tag is of this version. Any view of a version counts, but only if the resource has views. */
const namesVersion = (etag: string, version: number, hasViews: boolean): boolean =>
  etag === etagOf(version) || (hasViews && etag.startsWith(`"${version}/`) && etag.endsWith('"'));

const TAG = String.raw`(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"`;
const EACH_TAG = new RegExp(TAG, 'g');
/** Empty list members are ignored (RFC 9110, section 5.6.1). */
const TAG_LIST = new RegExp(String.raw`^[\t ,]*${TAG}(?:[\t ]*,[\t ,]*${TAG})*[\t ,]*$`);

const entityTags = (header: string): string[] => header.match(EACH_TAG) ?? [];

/** A condition of a write on the current version. */
export interface Precondition {
  /** @throws Refusal `precondition-failed` when the caller does not know this version */
  check(version: number): void;
}

/**
 * Returns the `If-Match` of a request as a condition. Without the header any version passes.
 * @throws Refusal `invalid-request` when it is neither `*` nor a list of entity tags. The precondition has then not
 * failed, but is malformed.
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

/** Sends one resource and its ETag, or 304 when the caller has this version already. */
export function sendVersioned<Resource extends { version: number }>(
  request: FastifyRequest,
  reply: FastifyReply,
  resource: Resource,
): void {
  sendTagged(request, reply, resource, resource.version);
}

/** Sends a resource that does not show its version, or whose version has several views. */
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
