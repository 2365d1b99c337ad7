/**
 * Sends arbitrary bytes to the gateway and to each service's own port. Each must stay up without a 5xx response.
 * DAYBOOK_FUZZ_SEED repeats a run, DAYBOOK_FUZZ_ROUNDS makes it longer.
 */
import { type DaybookProcess, serviceUrls, startDaybook, temporaryFolder } from '@daybook/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faultOfAny, faultOfProblem } from './fuzz/oracle.ts';
import {
  AUTHORIZATION,
  bytesOf,
  everyPosition,
  type Pipeline,
  piecesFor,
  pipelinesOf,
  respondedPieces,
  withToken,
} from './fuzz/pipelines.ts';
import { MARKER } from './fuzz/placeholders.ts';
import { exchange } from './fuzz/raw-http.ts';

const SEED = Number(process.env.DAYBOOK_FUZZ_SEED ?? 20_261_123);
const ROUNDS = Number(process.env.DAYBOOK_FUZZ_ROUNDS ?? 24);
const RUNS_A_ROUND = 5;
const MILLIS_A_RUN = 2_000;
const END_AFTER_MILLIS = 200;
const SHOWN_BYTES = 2_000;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let daybook: DaybookProcess;
/** By the name of the service. */
let urls: ReadonlyMap<string, string>;

beforeAll(async () => {
  folder = await temporaryFolder();
  daybook = await startDaybook({ data: folder.path, environment: { LOG_LEVEL: 'info' } });
  urls = await serviceUrls(folder.path);
});

afterAll(async () => {
  await daybook?.end();
  await folder?.[Symbol.asyncDispose]();
});

const NAMES = ['gateway', 'identity', 'patient', 'doctor', 'appointment', 'notification'];
const urlOf = (name: string): string => (name === 'gateway' ? daybook.url : (urls.get(`${name}-service`) ?? ''));

const JSON_BODY = JSON.stringify({ givenName: MARKER, familyName: MARKER, birthDate: '1990-02-01' });
const lines = (...all: string[]): string => all.map((line) => `${line}\r\n`).join('');
const post = (...headers: string[]) =>
  lines(
    ...['POST /api/v1/patients HTTP/1.1', 'host: localhost', AUTHORIZATION],
    ...['content-type: application/json', ...headers, ''],
  );
const get = (path: string, ...headers: string[]) =>
  lines(`GET ${path} HTTP/1.1`, 'host: localhost', AUTHORIZATION, ...headers, '');
const getWithoutToken = (path: string) => lines(`GET ${path} HTTP/1.1`, 'host: localhost', '');
/** Returns the bytes of a request, with an administrator's token where it has a place for one. */
const bytesFor = async (text: string) => Buffer.from(withToken(text, await daybook.tokenFor()), 'latin1');
const length = `content-length: ${JSON_BODY.length}`;

/** The permitted statuses for each kind of bytes; 0 stands for a connection that just ends. */
const cases: [what: string, bytes: string, statuses: number[]][] = [
  ['two lengths that differ', `${post(length, 'content-length: 5')}${JSON_BODY}`, [400]],
  ['two lengths that are equal', `${post(length, length)}${JSON_BODY}`, [400]],
  ['a length that is a list', `${post(`content-length: ${JSON_BODY.length}, 5`)}${JSON_BODY}`, [400]],
  ['a length and chunks', `${post(length, 'transfer-encoding: chunked')}0\r\n\r\n`, [400]],
  ['chunks twice', `${post('transfer-encoding: chunked', 'transfer-encoding: chunked')}0\r\n\r\n`, [400, 404]],
  ['an encoding after the chunks', `${post('transfer-encoding: chunked, gzip')}0\r\n\r\n`, [400]],
  ['a negative length', `${post('content-length: -1')}${JSON_BODY}`, [400]],
  ['a length with a sign', `${post(`content-length: +${JSON_BODY.length}`)}${JSON_BODY}`, [400]],
  ['a length in hexadecimal', `${post('content-length: 0x10')}${JSON_BODY}`, [400]],
  ['a length beyond 64 bits', `${post('content-length: 18446744073709551617')}${JSON_BODY}`, [400, 413]],
  ['a chunk of an invalid size', `${post('transfer-encoding: chunked')}zz\r\n`, [400, 404]],
  ['a chunk of a size beyond 64 bits', `${post('transfer-encoding: chunked')}ffffffffffffffffff\r\n`, [400, 404]],
  [
    'a chunk with a long extension',
    `${post('transfer-encoding: chunked')}5;${'x'.repeat(100_000)}\r\n`,
    [0, 400, 404, 413],
  ],
  ['no Host', lines('GET /api/v1/patients HTTP/1.1', 'connection: close', ''), [400]],
  ['two Hosts', get('/api/v1/patients', 'host: y', 'connection: close'), [200, 400, 404]],
  ['a NUL in the path', get('/api/v1/patients/\u0000', 'connection: close'), [400]],
  ['a NUL in a header', get('/api/v1/patients', 'x-odd: \u0000', 'connection: close'), [400]],
  ['a control character in a header', get('/api/v1/patients', 'x-odd: \u0007', 'connection: close'), [200, 400, 404]],
  ['a bare line feed', 'GET /api/v1/patients HTTP/1.1\nhost: x\n\n', [400]],
  ['a bare carriage return', 'GET /api/v1/patients HTTP/1.1\rhost: x\r\r', [400]],
  ['a folded header', get('/api/v1/patients', 'x-odd: a', '  b', 'connection: close'), [200, 400, 404]],
  ['a blank before a colon', get('/api/v1/patients', 'x-odd : a', 'connection: close'), [400]],
  ['a header without a colon', get('/api/v1/patients', 'nothing', 'connection: close'), [400]],
  ['a header without a name', get('/api/v1/patients', ': a', 'connection: close'), [400]],
  [
    'many headers',
    get('/api/v1/patients', ...Array.from({ length: 1_500 }, (_, n) => `a${n}: `), 'connection: close'),
    [200, 400, 404, 431],
  ],
  ['a long header', get('/api/v1/patients', `x-odd: ${'x'.repeat(200_000)}`), [431]],
  ['a long address', get(`/api/v1/patients?q=${'x'.repeat(200_000)}`), [431]],
  ['a long method', `${'X'.repeat(200_000)} / HTTP/1.1\r\n\r\n`, [400, 431]],
  ['a whole URL as the address', get(`http://x/api/v1/patients?q=${MARKER}`, 'connection: close'), [200, 400, 404]],
  ['a URL of another kind as the address', get('file:///etc/passwd', 'connection: close'), [400, 404]],
  ['two slashes as the address', get('//', 'connection: close'), [400, 404]],
  ['a path out of the root', get('/../../etc/passwd', 'connection: close'), [400, 404]],
  ['a star as the address', lines('OPTIONS * HTTP/1.1', 'host: localhost', 'connection: close', ''), [400, 404]],
  ['no address', lines('GET  HTTP/1.1', 'host: localhost', ''), [400]],
  ['an address without a slash', get('patients', 'connection: close'), [400, 404]],
  ['a question mark as the address', get('?', 'connection: close'), [400, 404]],
  ['a percent sign at the end of the address', get('/api/v1/patients/%', 'connection: close'), [400, 404]],
  ['a tunnel', lines('CONNECT x:443 HTTP/1.1', 'host: x:443', ''), [400]],
  [
    'an upgrade',
    get('/api/v1/patients', 'connection: upgrade, close', 'upgrade: websocket', 'sec-websocket-key: x'),
    [200, 400, 404],
  ],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [400]],
  ['no token', getWithoutToken('/api/v1/patients'), [401, 404]],
  ['two tokens', get('/api/v1/patients', AUTHORIZATION, 'connection: close'), [400, 401, 404]],
  ['HTTP/0.9', 'GET /api/v1/patients\r\n\r\n', [400, 401, 404, 505]],
  ['HTTP/3.0', lines('GET / HTTP/3.0', 'host: localhost', ''), [400]],
  ['the hello of TLS', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003', [400]],
  ['zeros', '\u0000'.repeat(1_000), [400]],
  ['an unknown Expect', `${post('expect: cake', length)}${JSON_BODY}`, [417]],
  ['a body after nonsense', `nonsense\r\n\r\n${JSON_BODY}`, [400]],
  ['a request after the last', `${get('/health/live', 'connection: close')}${get('/health/live')}`, [200]],
];

/** Returns what is wrong with the received bytes. */
function faultOfResponses({ responses, rest }: Awaited<ReturnType<typeof exchange>>): string | undefined {
  for (const response of responses) {
    const fault = faultOfAny(response) ?? (response.status >= 400 ? faultOfProblem(response) : undefined);
    if (fault) return `${fault}: ${response.body.toString('latin1').slice(0, SHOWN_BYTES)}`;
  }
  return rest.length > 0 ? `no complete response: ${rest.toString('latin1').slice(0, SHOWN_BYTES)}` : undefined;
}

/** Sends a pipeline. Expects whole responses in the order of the requests, and a response on another connection. */
async function tryPipeline(url: string, pipeline: Pipeline): Promise<void> {
  const due = respondedPieces(pipeline);
  const exchanged = await exchange(url, await bytesFor(bytesOf(pipeline)), { count: due.length });
  expect(faultOfResponses(exchanged)).toBeUndefined();
  const statuses = exchanged.responses.map(({ status }) => status);
  const names = pipeline.pieces.map(({ name }) => name);
  // The end of the connection cuts half a request, which may be rejected then.
  const refusals = pipeline.half === '' ? [] : [400];
  expect([[], refusals], `responses to ${names.join(', ')}`).toContainEqual(statuses.slice(due.length));
  for (const [index, piece] of due.entries()) {
    expect(piece.statuses, `response ${index} to ${names.join(', ')}`).toContain(statuses[index]);
  }
  expect((await fetch(`${url}/health/live`)).status).toBe(200);
}

describe.each(NAMES)('the %s', (name) => {
  const pieces = piecesFor(name === 'gateway');

  it('responds in order to requests of each kind at each place of a pipeline', { timeout: 120_000 }, async () => {
    for (const pipeline of everyPosition(pieces)) await tryPipeline(urlOf(name), pipeline);
  });

  it('responds in order to any pipeline', { timeout: 60_000 + ROUNDS * RUNS_A_ROUND * MILLIS_A_RUN }, async () => {
    const property = fc.asyncProperty(pipelinesOf(pieces), (pipeline) => tryPipeline(urlOf(name), pipeline));
    await fc.assert(property, { seed: SEED, numRuns: ROUNDS * RUNS_A_ROUND });
  });

  it.each(cases)('responds to %s', async (_what, bytes, statuses) => {
    const exchanged = await exchange(urlOf(name), await bytesFor(bytes));
    expect(faultOfResponses(exchanged)).toBeUndefined();
    expect(statuses).toContain(exchanged.responses[0]?.status ?? 0);
  });

  it('responds to what is cut anywhere, or ends', async () => {
    const whole = await bytesFor(`${post(length)}${JSON_BODY}`);
    for (let end = 0; end < whole.length; end += 7) {
      const exchanged = await exchange(urlOf(name), whole.subarray(0, end), { isTruncated: true });
      expect(faultOfResponses(exchanged)).toBeUndefined();
      expect([0, 400, 404]).toContain(exchanged.responses[0]?.status ?? 0);
    }
  });

  it('responds to what is changed anywhere', { timeout: 60_000 + ROUNDS * RUNS_A_ROUND * MILLIS_A_RUN }, async () => {
    const requests = [
      `${post(length)}${JSON_BODY}`,
      `${post('transfer-encoding: chunked')}${JSON_BODY.length.toString(16)}\r\n${JSON_BODY}\r\n0\r\n\r\n`,
      get(`/api/v1/patients?q=${MARKER}&limit=5`, 'connection: close'),
      `${get('/api/v1/appointments')}${get('/health/ready')}`,
      getWithoutToken(`/api/v1/patients?q=${MARKER}`),
    ];
    const signed = await Promise.all(requests.map(bytesFor));
    const edit = fc.record({ at: fc.nat(), removed: fc.nat({ max: 4 }), added: fc.uint8Array({ maxLength: 4 }) });
    const property = fc.asyncProperty(
      fc.constantFrom(...signed),
      fc.array(edit, { minLength: 1, maxLength: 4 }),
      async (request, edits) => {
        const bytes = edits.reduce((before, { at, removed, added }) => {
          const start = at % (before.length + 1);
          return Buffer.concat([before.subarray(0, start), added, before.subarray(start + removed)]);
        }, request);
        const exchanged = await exchange(urlOf(name), bytes, { endAfterMillis: END_AFTER_MILLIS });
        expect(faultOfResponses(exchanged)).toBeUndefined();
        responseCount += exchanged.responses.length;
      },
    );
    let responseCount = 0;
    await fc.assert(property, { seed: SEED, numRuns: ROUNDS * RUNS_A_ROUND });
    expect(responseCount).toBeGreaterThan((ROUNDS * RUNS_A_ROUND) / 2);
  });
});

it('is ready after all of it, and has logged nothing of it', async () => {
  for (const url of [daybook.url, ...urls.values()]) expect((await fetch(`${url}/health/ready`)).status).toBe(200);
  expect(daybook.output()).not.toMatch(new RegExp(`unexpected error|${MARKER}`));
  expect(daybook.output()).not.toContain(await daybook.tokenFor());
});
