/**
 * Serves the protocol of OpenID Connect through oidc-provider. Fastify has checked the Host, the site and the method
 * before, and its handlers respond where oidc-provider has no route.
 */
import { Refusal } from '@daybook/contracts';
import { type App, dropBody } from '@daybook/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PAGE_HEADERS } from '../pages/style.ts';
import type { Issuer } from './issuer.ts';

const PREFIX = '/identity';
/** oidc-provider reads no more. */
const BODY_LIMIT_BYTES = 56 * 1024;

const GETS = [
  '/.well-known/openid-configuration',
  '/.well-known/oauth-authorization-server',
  '/jwks',
  '/auth',
  '/auth/:uid',
  '/me',
  '/session/end',
  '/session/end/success',
];
const POSTS = ['/token', '/token/revocation', '/me', '/session/end/confirm'];

/** Scripts of oidc-provider's own pages are named by their hash, which it adds to a `script-src`. */
const HEADERS = Object.fromEntries(
  Object.entries(PAGE_HEADERS).map(([name, value]) =>
    name === 'content-security-policy' ? [name, `${value}; script-src 'report-sample'`] : [name, value],
  ),
);

function copyHeaders(reply: FastifyReply): void {
  const headers = { ...HEADERS, ...reply.getHeaders() };
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) reply.raw.setHeader(name, value);
}

/** Lets oidc-provider see the path below its prefix, and the whole path where it builds addresses. */
function shiftPath(request: FastifyRequest): void {
  const url = request.raw.url ?? '';
  if (!url.startsWith(`${PREFIX}/`)) throw new Refusal('not-found', 'There is nothing at this address.');
  Object.assign(request.raw, { originalUrl: url });
  request.raw.url = url.slice(PREFIX.length);
}

async function handle(issuer: Issuer, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  if (Number(request.headers['content-length'] ?? 0) > BODY_LIMIT_BYTES) {
    throw new Refusal('body-too-large', 'The body is larger than this accepts.');
  }
  const respond = await issuer.handler();
  copyHeaders(reply);
  shiftPath(request);
  reply.hijack();
  await respond(request.raw, reply.raw);
  // A body that was rejected unread would break the connection.
  dropBody(request.raw, reply.raw);
}

export function mountIssuer(app: App, issuer: Issuer): void {
  void app.register(async (protocol) => {
    // oidc-provider reads bodies itself.
    protocol.removeAllContentTypeParsers();
    protocol.addContentTypeParser('*', (_request, _payload, done) => done(null, undefined));
    const options = { schema: { hide: true }, bodyLimit: BODY_LIMIT_BYTES, exposeHeadRoute: false };
    for (const path of GETS)
      protocol.get(`${PREFIX}${path}`, options, (request, reply) => handle(issuer, request, reply));
    for (const path of POSTS)
      protocol.post(`${PREFIX}${path}`, options, (request, reply) => handle(issuer, request, reply));
  });
}
