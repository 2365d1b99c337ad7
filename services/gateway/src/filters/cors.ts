import { Refusal } from '@daybook/contracts';
import { type Static, Type } from 'typebox';
import { removeHeaders } from '../http/header-list.ts';
import { defineFilter } from './filter.ts';

const Names = Type.Array(Type.String({ pattern: '^[A-Za-z0-9-]{1,100}$' }), { maxItems: 50, uniqueItems: true });

const Cors = Type.Object(
  {
    /** `*` stands for every origin. */
    origins: Type.Array(Type.String({ pattern: '^(?:\\*|https?://[a-z0-9.:[\\]-]{1,255})$' }), {
      minItems: 1,
      maxItems: 50,
      uniqueItems: true,
    }),
    methods: Type.Optional(Names),
    headers: Type.Optional(Names),
    exposedHeaders: Type.Optional(Names),
    credentials: Type.Optional(Type.Boolean()),
    maxAgeSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 86_400 })),
  },
  { additionalProperties: false },
);

/** Dropped from the service's response, because only the gateway decides about cross-origin access. */
const CORS_RESPONSE_HEADERS = [
  'access-control-allow-credentials',
  'access-control-allow-headers',
  'access-control-allow-methods',
  'access-control-allow-origin',
  'access-control-expose-headers',
  'access-control-max-age',
];

export const cors = defineFilter({
  schema: Cors,
  summary:
    'lets pages of these origins, and no others, read responses; the gateway responds to preflights itself (204 or 403)',
  example: { origins: ['https://app.example.org'], methods: ['GET', 'POST'], headers: ['content-type'] },
  faultsOf: ({ origins, credentials }) =>
    credentials && origins.includes('*')
      ? [{ pointer: '/credentials', message: 'cannot be allowed to every origin' }]
      : [],
  compile(setting) {
    const isAllowed = originsOf(setting);
    const preflight = compilePreflight(setting, isAllowed);
    const granted = grantOf(setting);
    return {
      allowsOrigin: isAllowed,
      onRequest({ method, headers: { origin, ...headers } }) {
        const requestedMethod = headers['access-control-request-method'];
        if (method !== 'OPTIONS' || origin === undefined || requestedMethod === undefined) return undefined;
        return preflight(origin, requestedMethod, headers['access-control-request-headers'] ?? '');
      },
      onResponse(head, request) {
        if (head.isFromService) removeHeaders(head.headers, CORS_RESPONSE_HEADERS);
        const { origin } = request.headers;
        head.headers.push('vary', 'Origin');
        if (origin === undefined || !isAllowed(origin)) return;
        head.headers.push('access-control-allow-origin', origin);
        for (const text of granted) head.headers.push(text);
      },
    };
  },
});

type Setting = Static<typeof Cors>;

function originsOf({ origins }: Setting): (origin: string) => boolean {
  const known = new Set(origins);
  return known.has('*') ? () => true : (origin) => known.has(origin);
}

/** Returns the headers of each response to an allowed origin. */
function grantOf({ credentials = false, exposedHeaders = [] }: Setting): string[] {
  return [
    ...(credentials ? ['access-control-allow-credentials', 'true'] : []),
    ...(exposedHeaders.length > 0 ? ['access-control-expose-headers', exposedHeaders.join(', ')] : []),
  ];
}

function compilePreflight(
  { methods = ['GET', 'HEAD', 'POST'], headers = [], maxAgeSeconds = 600 }: Setting,
  isAllowed: (origin: string) => boolean,
) {
  const knownHeaders = new Set(headers.map((name) => name.toLowerCase()));
  // `onResponse` adds the allowed origin.
  const granted = {
    status: 204,
    headers: [
      'access-control-allow-methods',
      methods.join(', '),
      ...(headers.length > 0 ? ['access-control-allow-headers', headers.join(', ')] : []),
      'access-control-max-age',
      String(maxAgeSeconds),
    ],
  };
  return (origin: string, method: string, requestedHeaders: string) => {
    const names = requestedHeaders === '' ? [] : requestedHeaders.split(',').map((name) => name.trim().toLowerCase());
    const allowed = isAllowed(origin) && methods.includes(method) && names.every((name) => knownHeaders.has(name));
    return allowed ? granted : new Refusal('forbidden', 'Pages of this origin may not send this request.');
  };
}
