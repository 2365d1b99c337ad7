/** Checks that a broken or hostile response reaches the client as one clear response, or as a refusal. */
import { describe, expect, test } from 'vitest';
import { PATIENTS, startGateway } from '../testing.ts';
import { expectRefusal, requestOf, sendBytes, startRawServer, statusesIn } from './testing.ts';

const START = 'HTTP/1.1 200 OK\r\n';
const SPLIT = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-A: evil\r\n\r\nevil';

/** Returns the responses to `times` requests, on one connection after the other. */
async function responsesTo(bytes: string, { closes = false, times = 1, lines = [] as string[] } = {}) {
  const { url, requests } = await startRawServer(bytes, { closes });
  const { port } = await startGateway({ patients: [url], routes: [{ ...PATIENTS, timeoutMillis: 200 }] });
  const responses: string[] = [];
  for (let count = 0; count < times; count += 1) responses.push(await sendBytes(port, requestOf('GET', lines)));
  return { responses, requests };
}

describe('a response becomes a refusal, and nothing of it is forwarded, when it has', () => {
  test.each([
    ['two lengths', `${START}Content-Length: 4\r\nContent-Length: 5\r\n\r\nevil`],
    ['the same length twice', `${START}Content-Length: 4\r\nContent-Length: 4\r\n\r\nevil`],
    ['a list of lengths', `${START}Content-Length: 4, 4\r\n\r\nevil`],
    ['a negative length', `${START}Content-Length: -4\r\n\r\nevil`],
    ['a hexadecimal length', `${START}Content-Length: 0x4\r\n\r\nevil`],
    ['an empty length', `${START}Content-Length:\r\n\r\nevil`],
    ['a length and chunks', `${START}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nevil\r\n0\r\n\r\n`],
    ['chunks twice', `${START}Transfer-Encoding: chunked, chunked\r\n\r\n4\r\nevil\r\n0\r\n\r\n`],
    ['another coding', `${START}Transfer-Encoding: gzip, chunked\r\n\r\n4\r\nevil\r\n0\r\n\r\n`],
    ['CR in its Location', 'HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /\rSet-Cookie: evil\r\n\r\n'],
    ['LF in its Location', 'HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /\nSet-Cookie: evil\r\n\r\n'],
    ['a NUL in its Location', 'HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /\0evil\r\n\r\n'],
    ['a folded header', `${START}X-A: a\r\n evil\r\nContent-Length: 4\r\n\r\nevil`],
    ['a header with a blank before its colon', `${START}Content-Length : 4\r\n\r\nevil`],
    ['a header without a name', `${START}: evil\r\nContent-Length: 4\r\n\r\nevil`],
    ['LF only between its lines', 'HTTP/1.1 200 OK\nContent-Length: 4\n\nevil\r\n\r\n'],
    ['another protocol', 'ICY 200 evil\r\n\r\n'],
    ['a later version', 'HTTP/2.0 200 evil\r\n\r\n'],
    ['a status that is none', 'HTTP/1.1 0200 evil\r\n\r\n'],
    [
      'a change of the protocol without a request',
      'HTTP/1.1 101 evil\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\nevil',
    ],
    ['a head that is huge', `${START}X-A: ${'evil'.repeat(50_000)}\r\n\r\n`],
    ['a name that is huge', `${START}${'evil'.repeat(50_000)}: a\r\n\r\n`],
    ['nothing before its end', ''],
    ['half a head', `${START}X-A: evil`],
  ])('%s', async (_what, bytes) => {
    const { responses } = await responsesTo(bytes, { closes: true });
    expectRefusal(responses[0] ?? '', 503);
    expect(responses[0]).not.toContain('evil');
  });
});

describe('a response is cut, so that no client takes it for a whole one, when it', () => {
  test.each([
    ['is shorter than its length', `${START}Content-Length: 9\r\n\r\nhalf`],
    ['ends before its last chunk', `${START}Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n`],
    ['ends in a chunk', `${START}Transfer-Encoding: chunked\r\n\r\n9\r\nhalf`],
    ['has a chunk of an invalid size', `${START}Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n-1\r\n`],
    ['has a chunk that is longer', `${START}Transfer-Encoding: chunked\r\n\r\n4\r\nhalf and more\r\n0\r\n\r\n`],
    ['has lines of chunks that are huge', `${START}Transfer-Encoding: chunked\r\n\r\n4;${'x'.repeat(70_000)}\r\nhalf`],
  ])('%s', async (_what, bytes) => {
    const { responses } = await responsesTo(bytes, { closes: true });
    // The response has no end that the service did not send, and no length that would make it complete.
    expect(responses[0]).not.toMatch(/content-length: 4\r|\r\n0\r\n\r\n$/i);
    expect(responses[0]).not.toContain('and more');
  });
});

describe('bytes after a response become no other response', () => {
  test.each([
    ['of a length', `${START}Content-Length: 4\r\n\r\ngood`],
    ['in chunks', `${START}Transfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\n\r\n`],
    ['without a body', 'HTTP/1.1 204 good\r\n\r\n'],
    ['that changed nothing', 'HTTP/1.1 304 good\r\nContent-Length: 4\r\n\r\n'],
  ])('%s', async (_what, bytes) => {
    const { responses, requests } = await responsesTo(`${bytes}${SPLIT}`, { times: 3 });
    for (const response of responses) {
      expect(statusesIn(response)).toHaveLength(1);
      expect(response).not.toContain('evil');
    }
    expect(requests).toHaveLength(3);
  });
});

test('trailers of a response are left out', async () => {
  const bytes = `${START}Transfer-Encoding: chunked\r\n\r\n4;evil\r\ngood\r\n0\r\nSet-Cookie: evil\r\nX-A: evil\r\n\r\n`;
  const { responses } = await responsesTo(bytes);
  expect(statusesIn(responses[0] ?? '')).toEqual([200]);
  expect(responses[0]).toContain('good');
  expect(responses[0]).not.toContain('evil');
});

test('headers of a response that are for one connection are left out', async () => {
  const lines =
    'Connection: X-Secret, close\r\nX-Secret: evil\r\nKeep-Alive: evil\r\nUpgrade: evil\r\nTrailer: evil\r\n';
  const { responses } = await responsesTo(`${START}${lines}Proxy-Authenticate: evil\r\nContent-Length: 4\r\n\r\ngood`);
  expect(statusesIn(responses[0] ?? '')).toEqual([200]);
  expect(responses[0]).not.toContain('evil');
});

test('interim responses are not forwarded, however many', async () => {
  const early = 'HTTP/1.1 103 Early Hints\r\nLink: </evil>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n';
  const { responses } = await responsesTo(`${early.repeat(5_000)}${START}Content-Length: 4\r\n\r\ngood`);
  expect(statusesIn(responses[0] ?? '')).toEqual([200]);
  expect(responses[0]).not.toContain('evil');
});

test('interim responses without a final one end by the deadline', async () => {
  const { responses } = await responsesTo('HTTP/1.1 102 Processing\r\n\r\n'.repeat(5_000));
  expectRefusal(responses[0] ?? '', 504);
});
