import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { APP, document, empty, startRegistry } from '../testing.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const XML_TYPE = { 'content-type': 'application/xml' };
const ZIPPED = { 'content-encoding': 'gzip' };
const LARGE = 'x'.repeat(70_000);
const DEEP = 30_000;
const REGISTRATION = JSON.stringify({ instance: document });

describe('a registration is refused without a body when it is', () => {
  it.each<[string, Record<string, string>, string | Buffer]>([
    ['JSON that is cut off', JSON_TYPE, '{"instance":{'],
    ['JSON of another kind', JSON_TYPE, '[]'],
    ['JSON null', JSON_TYPE, 'null'],
    ['JSON in great depth', JSON_TYPE, `{"instance":${'['.repeat(DEEP)}${']'.repeat(DEEP)}}`],
    ['huge JSON', JSON_TYPE, JSON.stringify({ instance: { ...document, homePageUrl: LARGE } })],
    ['not JSON', JSON_TYPE, '\u0000\u0001\u0002'],
    ['not UTF-8', JSON_TYPE, Buffer.from([0x22, 0xff, 0xfe, 0x22])],
    ['XML that is cut off', XML_TYPE, '<instance><hostName>'],
    ['XML of another kind', XML_TYPE, '<applications/>'],
    ['XML with entities of its own', XML_TYPE, '<!DOCTYPE i [<!ENTITY a "b">]><instance><app>&a;</app></instance>'],
    [
      'XML that includes a file',
      XML_TYPE,
      '<!DOCTYPE i [<!ENTITY a SYSTEM "file:///etc/passwd">]><instance>&a;</instance>',
    ],
    ['XML in great depth', XML_TYPE, `${'<a>'.repeat(10_000)}${'</a>'.repeat(10_000)}`],
    ['huge XML', XML_TYPE, `<instance><app>${LARGE}</app></instance>`],
    ['nothing', XML_TYPE, ' '],
    ['not gzip though it declares it', { ...JSON_TYPE, ...ZIPPED }, JSON.stringify({ instance: document })],
    ['a small gzip that becomes huge', { ...JSON_TYPE, ...ZIPPED }, gzipSync(REGISTRATION + ' '.repeat(5_000_000))],
    ['in a coding that is not known', { ...JSON_TYPE, 'content-encoding': 'br' }, '{}'],
  ])('%s', async (_what, headers, body) => {
    const { call } = await startRegistry();
    expect(await call('POST', `apps/${APP}`, headers, body)).toEqual(empty(400));
  });

  it.each([
    ['a port beyond all ports', { port: { $: 65_536, '@enabled': 'true' } }],
    ['a port beyond all ports as text', { port: { $: '65536', '@enabled': 'true' } }],
    ['a data center that Java does not know', { dataCenterInfo: { name: 'Elsewhere' } }],
    ['a time beyond a long', { lastDirtyTimestamp: 1e300 }],
    ['metadata without a name', { metadata: { '': 'x' } }],
    ['too many metadata', { metadata: Object.fromEntries(Array.from({ length: 201 }, (_, n) => [`k${n}`, 'v'])) }],
  ])('one with %s', async (_what, change) => {
    const { register } = await startRegistry();
    expect(await register({ ...document, ...change })).toEqual(empty(400));
  });

  it('text of another type', async () => {
    const { call } = await startRegistry();
    expect(await call('POST', `apps/${APP}`, { 'content-type': 'text/plain' }, '{}')).toEqual(empty(415));
  });
});

describe('a registration is taken', () => {
  it('with fields that are null, and metadata that are numbers', async () => {
    const { call, register } = await startRegistry();
    const metadata = { 'management.port': 8081, ready: true, none: null };
    expect(await register({ ...document, statusPageUrl: null, metadata })).toEqual(empty(204));
    const [instance] = (await call('GET', `apps/${APP}`)).json.application.instance;
    expect(instance.metadata).toEqual({ 'management.port': '8081', ready: 'true' });
  });

  it('and no name of metadata changes other objects', async () => {
    const { call } = await startRegistry();
    const body = JSON.stringify({ instance: document }).replace('"zone"', '"__proto__"');
    expect((await call('POST', `apps/${APP}`, JSON_TYPE, body)).status).toBe(204);
    expect({}).not.toHaveProperty('z1');
    expect((await call('GET', `apps/${APP}`)).text).toContain('"metadata":{"__proto__":"z1"}');
  });
});

describe('a batch of a peer', () => {
  it.each([
    ['not a list', '{}'],
    ['cut off', '{"replicationList":['],
    ['longer than any', JSON.stringify({ replicationList: Array(2_001).fill({}) })],
  ])('that is %s is refused without a body', async (_what, body) => {
    const { call } = await startRegistry();
    expect(await call('POST', 'peerreplication/batch/', JSON_TYPE, body)).toEqual(empty(400));
  });
});
