/** The OpenAPI document of one service, from the schemas of its routes. */
import { accessOf, Problem, type ProblemCode, problems, rolesFor } from '@daybook/contracts';
import swagger from '@fastify/swagger';
import type { FastifyContextConfig, FastifySchema, RouteOptions } from 'fastify';
import type { App } from './app-type.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type JsonObject = { [key: string]: Json };

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Returns the refusals that follow from an operation's shape. For example, a body can be malformed. */
function impliedProblems(method: string, url: string, schema: FastifySchema): ProblemCode[] {
  return [
    'unauthenticated',
    'forbidden',
    ...(url.includes(':') ? (['not-found'] as const) : []),
    ...(schema.querystring || schema.body || method === 'POST' ? (['invalid-request'] as const) : []),
    ...(schema.body
      ? (['malformed-body', 'request-timeout', 'body-too-large', 'unsupported-media-type'] as const)
      : []),
    ...(method === 'POST' ? (['idempotency-key-in-use', 'idempotency-key-reused'] as const) : []),
    ...(isConditional(method, url) ? (['precondition-failed'] as const) : []),
    'service-unavailable',
    'deadline-exceeded',
  ];
}

function problemResponses(codes: readonly ProblemCode[]): JsonObject {
  const byStatus = Map.groupBy(new Set(codes), (code) => problems[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, group]) => [
      String(status),
      {
        description: group.map((code) => `\`${code}\`: ${problems[code].title}.`).join(' '),
        ...((status === 429 || status === 503) && { headers: { 'Retry-After': header('Seconds') } }),
        ...(status === 401 && { headers: { 'WWW-Authenticate': header('RFC 6750; names the issuer of tokens') } }),
        content: { 'application/problem+json': { schema: Problem as unknown as Json } },
      },
    ]),
  );
}

const header = (description: string) => ({ type: 'string', description });

/** Returns whether an operation changes an existing resource. */
const isConditional = (method: string, url: string): boolean =>
  ['PATCH', 'PUT', 'DELETE'].includes(method) || (method === 'POST' && url.includes(':'));

type Headers = Record<string, { type: string; description: string }>;

function requestHeaders(method: string, url: string, versioned: boolean): Headers {
  const key = { 'idempotency-key': header('Makes a retry harmless; kept for 24 hours') };
  const match = { 'if-match': header('The ETag that you read; 412 when it is stale') };
  const noneMatch = { 'if-none-match': header('The ETag that you have; 304 when unchanged') };
  return {
    ...(method === 'POST' && key),
    ...(isConditional(method, url) && match),
    ...(method === 'GET' && versioned && noneMatch),
  };
}

/** Returns the headers of a successful response. */
function responseHeaders(method: string, status: string, schema: FastifySchema, versioned: boolean): Headers {
  const query = isObject(schema.querystring) ? schema.querystring.properties : undefined;
  return {
    ...(versioned && { ETag: header('The version, for If-Match and If-None-Match') }),
    ...(status === '201' && { Location: header('The address of the new resource') }),
    ...(isObject(query) && 'cursor' in query && { Link: header('`rel="next"`: the next page, where there is one') }),
    ...(method === 'POST' && { 'Idempotency-Replayed': header('`true` when a retry gets the first response again') }),
  };
}

function successResponses(method: string, schema: FastifySchema, versioned: boolean): JsonObject {
  const responses: JsonObject = {};
  for (const [status, response] of Object.entries(isObject(schema.response) ? schema.response : {})) {
    const headers = responseHeaders(method, status, schema, versioned);
    responses[status] = isObject(response) && Object.keys(headers).length > 0 ? { ...response, headers } : response;
  }
  if (method !== 'GET' || !versioned) return responses;
  const unchanged = 'The ETag in If-None-Match is still the version';
  return { ...responses, 304: { type: 'null', description: unchanged, headers: { ETag: header('The version') } } };
}

/** Returns `Register patient` for `registerPatient`. */
const wordsOf = (operationId: string): string =>
  operationId.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).replace(/^./, (letter) => letter.toUpperCase());

/** The name of the security scheme: an access token in `Authorization`. */
const BEARER = 'bearer';
const SECURITY_SCHEMES = {
  [BEARER]: {
    type: 'http' as const,
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'An access token of the issuer that a 401 names. Browsers have a session at the gateway instead.',
  },
} satisfies JsonObject;

/** Returns what a caller needs, with the roles of the access table. `{}` is no token. */
function securityOf(operationId: string | undefined): { [scheme: string]: string[] }[] | undefined {
  if (operationId === undefined) return undefined;
  const isPublic = accessOf(operationId, 'anonymous').reach !== 'none';
  return [{ [BEARER]: rolesFor(operationId) }, ...(isPublic ? [{}] : [])];
}

/** Returns the schema of a route for the document, with its headers and refusals. */
function documentedSchema(
  schema: FastifySchema,
  route: RouteOptions & { config?: FastifyContextConfig },
): FastifySchema {
  const method = String(route.method);
  const codes = [...impliedProblems(method, route.url, schema), ...(route.config?.problems ?? [])];
  const versioned = route.config?.versioned ?? false;
  const headers = requestHeaders(method, route.url, versioned);
  const security = securityOf(schema.operationId);
  return {
    ...schema,
    ...(security && { security }),
    ...(schema.operationId !== undefined && { summary: wordsOf(schema.operationId) }),
    ...(Object.keys(headers).length > 0 && { headers: { type: 'object', properties: headers } }),
    response: { ...successResponses(method, schema, versioned), ...problemResponses(codes) },
  };
}

/** Moves every titled schema into `components`, so that a resource is described once. */
function hoistTitled(value: Json, schemas: JsonObject): Json {
  if (Array.isArray(value)) return value.map((item) => hoistTitled(item, schemas));
  if (!isObject(value)) return value;
  const copy: JsonObject = {};
  for (const [key, item] of Object.entries(value)) copy[key] = hoistTitled(item, schemas);
  if (typeof copy.title !== 'string' || copy.type !== 'object') return copy;
  schemas[copy.title] = copy;
  return { $ref: `#/components/schemas/${copy.title}` };
}

/** Collects the routes registered after it. `/openapi.json` serves the document. */
export async function addOpenApi(app: App, name: string, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: name, version },
      components: { securitySchemes: SECURITY_SCHEMES },
    },
    convertConstToEnum: false,
    transform: ({ schema, url, route }) => ({ schema: schema ? documentedSchema(schema, route) : schema, url }),
    transformObject: (document) => {
      if (!('openapiObject' in document)) throw new Error('expected an OpenAPI document');
      const plain: JsonObject = JSON.parse(JSON.stringify(document.openapiObject));
      const schemas: JsonObject = {};
      const paths = hoistTitled(plain.paths ?? {}, schemas);
      return {
        ...document.openapiObject,
        ...{ paths, components: { schemas, securitySchemes: SECURITY_SCHEMES } },
      } as typeof document.openapiObject;
    },
  });
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
}
