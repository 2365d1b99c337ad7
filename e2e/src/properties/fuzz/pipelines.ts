/** Generates pipelined requests of every kind on one connection, and their expected responses. */
import fc from 'fast-check';

export interface Piece {
  readonly name: string;
  readonly bytes: string;
  readonly statuses: readonly number[];
  /** Whether its response is the last one. */
  readonly ends: boolean;
}

const PATH = '/api/v1/patients';
const FOUND = [200, 404];
const REFUSED = [400, 404, 422];
/** Stands for an access token in the bytes of a request, because tokens are signed later. */
const TOKEN = '{token}';
export const AUTHORIZATION = `Authorization: Bearer ${TOKEN}`;
export const withToken = (bytes: string, token: string): string => bytes.replaceAll(TOKEN, token);

const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';

const request = (first: string, lines: readonly string[] = [], body = ''): string =>
  [first, 'Host: localhost', ...lines, '', body].join('\r\n');
const get = (...lines: string[]): string => request(`GET ${PATH} HTTP/1.1`, [AUTHORIZATION, ...lines]);
const post = (...lines: string[]): string =>
  request(
    `POST ${PATH} HTTP/1.1`,
    [AUTHORIZATION, 'Content-Type: application/json', 'Content-Length: 2', ...lines],
    '{}',
  );
const upgrade = (...lines: string[]): string => get('Connection: Upgrade', ...lines);

/** Returns the pieces. A service has no WebSockets, so it responds to a handshake as to any other request. */
export function piecesFor(isGateway: boolean): readonly Piece[] {
  // Node drops the rest of a packet after an ignored upgrade. The connection stays usable.
  const ignored = { statuses: FOUND, ends: true };
  const webSocket = isGateway ? { statuses: [200, 400, 404], ends: true } : ignored;
  const more = { statuses: FOUND, ends: false };
  const last = { statuses: FOUND, ends: true };
  return [
    { name: 'GET', bytes: get(), ...more },
    { name: 'GET of a long list', bytes: request(`GET ${PATH}?limit=100 HTTP/1.1`, [AUTHORIZATION]), ...more },
    { name: 'GET without a token', bytes: request(`GET ${PATH} HTTP/1.1`), statuses: [401, 404], ends: false },
    {
      name: 'GET with a token that nobody signed',
      bytes: request(`GET ${PATH} HTTP/1.1`, [`${AUTHORIZATION}x`]),
      statuses: [401, 404],
      ends: false,
    },
    { name: 'GET that nothing holds up', bytes: request('GET /health/live HTTP/1.1'), statuses: [200], ends: false },
    { name: 'POST', bytes: post(), statuses: REFUSED, ends: false },
    { name: 'POST that waits for 100', bytes: post('Expect: 100-continue'), statuses: REFUSED, ends: false },
    { name: 'unknown Expect', bytes: post('Expect: cake'), statuses: [417], ends: true },
    { name: 'Expect without a body', bytes: get('Expect: cake'), statuses: [417], ends: true },
    { name: 'handshake', bytes: upgrade('Upgrade: websocket', 'Sec-WebSocket-Version: 13', KEY), ...webSocket },
    { name: 'half a handshake', bytes: upgrade('Upgrade: websocket'), ...webSocket },
    { name: 'upgrade to h2c', bytes: upgrade('Upgrade: h2c'), ...ignored },
    { name: 'CONNECT', bytes: request('CONNECT x:443 HTTP/1.1'), statuses: [400], ends: true },
    {
      name: 'CONNECT with a body',
      bytes: request('CONNECT x:443 HTTP/1.1', ['Content-Length: 2'], 'ab'),
      statuses: [400],
      ends: true,
    },
    { name: 'HTTP/1.0', bytes: request(`GET ${PATH} HTTP/1.0`, [AUTHORIZATION]), ...last },
    {
      name: 'HTTP/1.0 that goes on',
      bytes: request(`GET ${PATH} HTTP/1.0`, [AUTHORIZATION, 'Connection: keep-alive']),
      ...more,
    },
    { name: 'GET that asks for the end', bytes: get('Connection: close'), ...last },
    { name: 'a header that cannot be read', bytes: get('X-Odd : x'), statuses: [400], ends: true },
    { name: 'nonsense', bytes: 'nonsense\r\n\r\n', statuses: [400], ends: true },
  ];
}

/** Incomplete requests for the end of a pipeline. */
const HALVES = ['GET /api/v1/pat', get().slice(0, -2), post().slice(0, -1), upgrade('Upgrade: websocket').slice(0, -2)];

export interface Pipeline {
  readonly pieces: readonly Piece[];
  readonly half: string;
}

export const pipelinesOf = (pieces: readonly Piece[]): fc.Arbitrary<Pipeline> =>
  fc.record({
    pieces: fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 5 }),
    half: fc.constantFrom('', ...HALVES),
  });

/** Returns pipelines with each piece first, in the middle, last and alone. */
export function everyPosition(pieces: readonly Piece[]): readonly Pipeline[] {
  const [plain] = pieces;
  if (!plain) throw new Error('there is a plain request');
  return pieces.flatMap((piece) =>
    [[piece], [piece, plain], [plain, piece, plain], [plain, plain, piece]].map((all) => ({ pieces: all, half: '' })),
  );
}

export const bytesOf = ({ pieces, half }: Pipeline): string => pieces.map(({ bytes }) => bytes).join('') + half;

/** Returns the pieces that get a response: all up to the first that ends the connection. */
export function respondedPieces({ pieces }: Pipeline): readonly Piece[] {
  const end = pieces.findIndex(({ ends }) => ends);
  return end === -1 ? pieces : pieces.slice(0, end + 1);
}
