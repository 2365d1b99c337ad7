/** Serves the API document in Swagger UI at `/docs`. All its files come from the gateway. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { App } from '@daybook/service';
import fastifyStatic from '@fastify/static';

/**
 * Swagger UI sets style attributes through the DOM, which needs no `unsafe-inline`. It draws its icons as data URLs.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const FILES = new Set(['/swagger-ui.css', '/swagger-ui-bundle.js', '/index.css', '/favicon-32x32.png']);

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Daybook API</title>
    <link rel="icon" type="image/png" href="/docs/static/favicon-32x32.png">
    <link rel="stylesheet" href="/docs/static/swagger-ui.css">
    <link rel="stylesheet" href="/docs/static/index.css">
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="/docs/static/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`;

/** A signed-in person can try operations, because each request has the cookie and the header that proves its origin. */
const START_SCRIPT = `SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  validatorUrl: null,
  requestInterceptor(request) {
    request.credentials = 'same-origin';
    request.headers['X-Requested-With'] = 'docs';
    return request;
  },
});
`;

/** Serves the files only. The plugin of Swagger UI would add its own API document and two copies of this page. */
export async function addDocs(app: App): Promise<void> {
  const swaggerUi = dirname(createRequire(import.meta.url).resolve('@fastify/swagger-ui'));
  await app.register(fastifyStatic, {
    root: join(swaggerUi, 'static'),
    prefix: '/docs/static/',
    allowedPath: (path) => FILES.has(path),
    index: false,
    decorateReply: false,
  });
  app.get('/docs', (_request, reply) =>
    reply.header('content-security-policy', CONTENT_SECURITY_POLICY).type('text/html; charset=utf-8').send(PAGE),
  );
  app.get('/docs/start.js', (_request, reply) => reply.type('text/javascript; charset=utf-8').send(START_SCRIPT));
}
