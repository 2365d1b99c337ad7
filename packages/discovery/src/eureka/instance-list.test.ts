import { describe, expect, it } from 'vitest';
import { type LocalInstance, toEurekaDocument } from './eureka-instance.ts';
import { readDelta, readSnapshot, readStreamedChange } from './eureka-responses.ts';
import { InstanceList } from './instance-list.ts';
import { documentAt } from './testing-registry.ts';

const local: LocalInstance = {
  instanceId: '127.0.0.1:patient-service:41234',
  serviceId: 'patient-service',
  hostName: '127.0.0.1',
  ipAddr: '127.0.0.1',
  port: 41_234,
  metadata: { zone: 'z1' },
};
const { instance } = toEurekaDocument(local, {
  status: 'UP',
  lastDirtyTimestamp: 1_700_000_000_000,
  renewalIntervalMillis: 30_000,
});

const listOf = (instances: unknown, hash?: unknown, name: unknown = 'PATIENT-SERVICE') => ({
  applications: { apps__hashcode: hash, application: [{ name, instance: instances }] },
});

function read(instances: unknown, hash?: unknown) {
  const list = new InstanceList();
  list.replace(readSnapshot(listOf(instances, hash)));
  return list;
}

const urlsIn = (list: InstanceList) => list.instancesOf('patient-service').map(({ url }) => url);

function applyDelta(list: InstanceList, instances: unknown, hash = 'UP_1_') {
  for (const change of readDelta(listOf(instances, hash))?.changes ?? []) list.apply(change);
}

describe('a list', () => {
  it('gives an instance as it registered', () => {
    expect(read([instance]).instancesOf('PATIENT-SERVICE')).toEqual([
      {
        instanceId: local.instanceId,
        serviceId: 'patient-service',
        url: 'http://127.0.0.1:41234',
        metadata: { zone: 'z1' },
      },
    ]);
  });

  it('may hold an object where there is one instance, or one application', () => {
    expect(urlsIn(read(instance))).toHaveLength(1);
    const list = new InstanceList();
    list.replace(readSnapshot({ applications: { application: { name: 'A', instance } } }));
    expect(urlsIn(list)).toHaveLength(1);
  });

  it('is read without the instances that are not UP, and without complaint', () => {
    const list = read([
      { ...instance, status: 'OUT_OF_SERVICE' },
      { ...documentAt(2), status: 'SLEEPING' },
    ]);
    expect(urlsIn(list)).toEqual([]);
    expect(list.unreadable().count).toBe(0);
  });

  it('gives the secure port where only that is enabled', () => {
    const port = { $: 80, '@enabled': 'false' };
    const secure = { ...instance, hostName: '::1', port, securePort: { $: '8443', '@enabled': true } };
    expect(urlsIn(read([secure]))).toEqual(['https://[::1]:8443']);
  });

  it('is refused as a whole when it is something else', () => {
    for (const document of [{ error: 'no' }, null, 'list', [], { applications: [] }]) {
      expect(() => readSnapshot(document)).toThrow('list of applications');
    }
  });

  it('may be empty', () => {
    const list = new InstanceList();
    list.replace(readSnapshot({ applications: {} }));
    expect(urlsIn(list)).toEqual([]);
    expect(list.agreesWith('')).toBe(true);
  });

  it('is the same array until it changes', () => {
    const list = read([documentAt(1)]);
    const before = list.instancesOf('patient-service');
    applyDelta(list, [{ ...documentAt(9, { vipAddress: 'other-service' }), actionType: 'ADDED' }]);
    expect(list.instancesOf('patient-service')).toBe(before);
  });

  it('is the same array when the whole list comes again and nothing has changed, and another when something has', () => {
    const list = read([documentAt(1), documentAt(2, { metadata: { zone: 'z1' } })], 'UP_2_');
    const before = list.instancesOf('patient-service');
    list.replace(readSnapshot(listOf([documentAt(1), documentAt(2, { metadata: { zone: 'z1' } })], 'UP_2_')));
    expect(list.instancesOf('patient-service')).toBe(before);
    list.replace(readSnapshot(listOf([documentAt(1), documentAt(2, { metadata: { zone: 'z2' } })], 'UP_2_')));
    expect(list.instancesOf('patient-service').map(({ metadata }) => metadata.zone)).toEqual([undefined, 'z2']);
    expect(list.agreesWith('UP_2_')).toBe(true);
  });

  it('ends at more instances than a registry of ours holds', () => {
    const many = Array.from({ length: 20_001 }, (_, id) => documentAt(1, { instanceId: `i${id}` }));
    const list = read(many, 'UP_20001_');
    applyDelta(list, [documentAt(2, { instanceId: 'more', actionType: 'ADDED' })]);
    expect(urlsIn(list)).toHaveLength(20_000);
    expect(list.agreesWith('UP_20001_')).toBe(true);
  });
});

describe('in a list of others', () => {
  const unprintable = { toString: 1, valueOf: 1 };
  const lost: readonly [string, unknown][] = [
    ['nothing', null],
    ['a number', 7],
    ['a list', [[[]]]],
    ['no name', { ...instance, instanceId: undefined, hostName: undefined }],
    ['a name that is not a text', { ...instance, instanceId: 7, hostName: unprintable }],
    ['an endless name', { ...instance, instanceId: 'x'.repeat(1e6), hostName: 'x'.repeat(1e6) }],
    ['no status', { ...instance, status: undefined }],
    ['a status that is not a text', { ...instance, status: unprintable }],
    ['a host that is a number', { ...instance, hostName: 127 }],
    ['a host with a path', { ...instance, hostName: 'host/path' }],
    ['a host with a user', { ...instance, hostName: 'user@host' }],
    ['a host with a query', { ...instance, hostName: 'host?query' }],
    ['a host with a fragment', { ...instance, hostName: 'host#part' }],
    ['a host with a line feed', { ...instance, hostName: 'host\n' }],
    ['a host that is too long', { ...instance, hostName: 'h'.repeat(254) }],
    ['no host', { ...instance, hostName: '' }],
    ['no port', { ...instance, port: 'none' }],
    ['a port of zero', { ...instance, port: { $: 0, '@enabled': 'true' } }],
    ['a port beyond the last', { ...instance, port: { $: 65_536, '@enabled': 'true' } }],
    ['a negative port', { ...instance, port: { $: -1, '@enabled': 'true' } }],
    ['half a port', { ...instance, port: { $: 80.5, '@enabled': 'true' } }],
    ['a port in hexadecimal', { ...instance, port: { $: '0x50', '@enabled': 'true' } }],
    ['a port that is a list', { ...instance, port: { $: [80], '@enabled': 'true' } }],
    ['a port that is true', { ...instance, port: { $: true, '@enabled': 'true' } }],
    ['a port that cannot be a text', { ...instance, port: { $: unprintable, '@enabled': 'true' } }],
    ['a flag that cannot be a text', { ...instance, port: { $: 80, '@enabled': unprintable } }],
    ['a service that is not a text', { ...instance, vipAddress: ['patient-service'] }],
  ];

  it.each(lost)('%s loses that instance only', (_what, entry) => {
    const list = read([documentAt(1), entry, documentAt(2)], 'UP_3_');
    expect(urlsIn(list)).toEqual(['http://127.0.0.1:1', 'http://127.0.0.1:2']);
    expect(list.unreadable().count).toBe(1);
  });

  it.each(lost)('%s does not make the next delta disagree', (_what, entry) => {
    const list = read([documentAt(1), entry, documentAt(2)], 'UP_3_');
    expect(list.agreesWith('UP_3_')).toBe(true);
    applyDelta(list, [documentAt(3, { actionType: 'ADDED' })]);
    applyDelta(list, [documentAt(1, { actionType: 'DELETED' })]);
    applyDelta(list, [documentAt(2, { actionType: 'MODIFIED', status: 'DOWN' })]);
    expect(list.agreesWith('DOWN_1_UP_2_')).toBe(true);
    expect(urlsIn(list)).toEqual(['http://127.0.0.1:3']);
  });

  it('metadata of the wrong kind costs only itself', () => {
    for (const metadata of ['text', ['list'], null, { deep: { deep: {} }, size: 'x'.repeat(10_000) }]) {
      expect(read([{ ...instance, metadata }]).instancesOf('patient-service')).toMatchObject([{ metadata: {} }]);
    }
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, key) => [`k${key}`, 'v']));
    const [found] = read([{ ...instance, metadata: many }]).instancesOf('patient-service');
    expect(Object.keys(found?.metadata ?? {})).toHaveLength(200);
  });

  it('an invalid application costs only itself', () => {
    const list = new InstanceList();
    const application = [null, 'x', { instance: 7 }, { name: 'P', instance: documentAt(1) }];
    list.replace(readSnapshot({ applications: { application } }));
    expect(urlsIn(list)).toEqual(['http://127.0.0.1:1']);
  });

  it('of two with the same name the last counts, and the count of the registry stands', () => {
    const list = read([documentAt(1), documentAt(1, { port: { $: 7, '@enabled': 'true' } })], 'UP_2_');
    expect(urlsIn(list)).toEqual(['http://127.0.0.1:7']);
    expect(list.agreesWith('UP_2_')).toBe(true);
  });

  it('an invalid count is ignored', () => {
    for (const hash of ['UP', '1_UP_', '____', 'UP_x_1_', 'x'.repeat(100_000), 7, {}]) {
      expect(urlsIn(read([documentAt(1)], hash))).toHaveLength(1);
    }
  });
});

describe('a delta', () => {
  it('adds, changes and removes', () => {
    const list = read([documentAt(1), documentAt(2)]);
    applyDelta(list, [
      documentAt(3, { actionType: 'ADDED' }),
      documentAt(2, { actionType: 'MODIFIED', hostName: 'moved' }),
      documentAt(1, { actionType: 'DELETED', status: 'DOWN' }),
    ]);
    expect(urlsIn(list)).toEqual(['http://127.0.0.1:3', 'http://moved:2']);
    expect(list.agreesWith('UP_2_')).toBe(true);
    expect(list.agreesWith('UP_3_')).toBe(false);
  });

  it('may have the same change twice', () => {
    const list = read([documentAt(1)]);
    for (let time = 0; time < 2; time += 1) {
      applyDelta(list, [documentAt(2, { actionType: 'ADDED' }), documentAt(1, { actionType: 'DELETED' })]);
    }
    expect(urlsIn(list)).toEqual(['http://127.0.0.1:2']);
    expect(list.agreesWith('UP_1_')).toBe(true);
  });

  it('that changes the service of an instance takes it from the old one', () => {
    const list = read([documentAt(1)]);
    applyDelta(list, [documentAt(1, { actionType: 'MODIFIED', vipAddress: 'doctor-service' })]);
    expect(urlsIn(list)).toEqual([]);
    expect(list.instancesOf('doctor-service')).toHaveLength(1);
  });

  it('that makes an instance unreadable ends its use, and one that mends it brings it back', () => {
    const list = read([documentAt(1)], 'UP_1_');
    applyDelta(list, [documentAt(1, { actionType: 'MODIFIED', hostName: 'a/b' })]);
    expect(urlsIn(list)).toEqual([]);
    expect(list.agreesWith('UP_1_')).toBe(true);
    expect(list.unreadable()).toEqual({ count: 1, reason: 'an instance cannot be dialled' });
    applyDelta(list, [documentAt(1, { actionType: 'MODIFIED' })]);
    expect(urlsIn(list)).toHaveLength(1);
    expect(list.unreadable().count).toBe(0);
  });

  it('without a valid count is not a delta', () => {
    for (const document of [null, {}, [], listOf([]), listOf([], 7), listOf([], 'x'.repeat(1_001))]) {
      expect(readDelta(document)).toBeUndefined();
    }
  });

  it('leaves out unknown actions', () => {
    const actions = [undefined, 'EXPLODED', 7, { toString: 1 }];
    const delta = readDelta(
      listOf(
        actions.map((actionType) => documentAt(1, { actionType })),
        'UP_1_',
      ),
    );
    expect(delta).toEqual({ hash: 'UP_1_', changes: [] });
  });
});

describe('an event of the stream', () => {
  it('is one change with the count after it', () => {
    const streamed = readStreamedChange(JSON.stringify({ action: 'ADDED', instance: documentAt(1), hash: 'UP_1_' }));
    expect(streamed).toMatchObject({ hash: 'UP_1_', change: { action: 'put', listed: { status: 'UP' } } });
  });

  it.each(['', '{', '[]', 'null', '{"action":"ADDED"}', '{"action":"ADDED","instance":{},"hash":"UP_1_"}'])(
    'is ignored when it is %j',
    (data) => {
      expect(readStreamedChange(data)).toBeUndefined();
    },
  );
});

describe('those that are missing in a list that a registry gives after it was away', () => {
  const after = (instances: unknown[]) => {
    const list = read([documentAt(1), documentAt(2)], 'UP_2_');
    list.replace(readSnapshot(listOf(instances, `UP_${instances.length}_`)), 90_000);
    return list;
  };

  it('stay in use for a while, and are not counted', () => {
    const list = after([documentAt(3)]);
    expect(urlsIn(list).sort()).toEqual(['http://127.0.0.1:1', 'http://127.0.0.1:2', 'http://127.0.0.1:3']);
    expect(list.agreesWith('UP_1_')).toBe(true);
    list.dropExpired(89_999);
    expect(urlsIn(list)).toHaveLength(3);
    list.dropExpired(90_000);
    expect(urlsIn(list)).toEqual(['http://127.0.0.1:3']);
  });

  it('are listed like others when they have registered again', () => {
    const list = after([]);
    applyDelta(list, [documentAt(1, { actionType: 'ADDED', hostName: 'moved' })]);
    list.dropExpired(90_000);
    expect(urlsIn(list)).toEqual(['http://moved:1']);
  });

  it('go at once when the registry removes them', () => {
    const list = after([]);
    applyDelta(list, [
      documentAt(1, { actionType: 'DELETED' }),
      documentAt(2, { actionType: 'ADDED', status: 'DOWN' }),
    ]);
    expect(urlsIn(list)).toEqual([]);
  });

  it('are forgotten only by time when the next list lacks them, too', () => {
    const list = after([]);
    list.replace(readSnapshot(listOf([])));
    expect(urlsIn(list)).toHaveLength(2);
  });
});
