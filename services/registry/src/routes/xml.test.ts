import { describe, expect, it } from 'vitest';
import { APP, document, empty, ID, startRegistry } from '../testing.ts';
import { parseXml, type XmlElement } from '../xml/parse.ts';

/** Sent by eureka-client 1.10 with its XStream codec, according to its source. */
const JAVA_REGISTRATION = `<instance>
  <instanceId>host1:patient-service:8081</instanceId>
  <hostName>host1</hostName>
  <app>PATIENT-SERVICE</app>
  <ipAddr>127.0.0.1</ipAddr>
  <status>UP</status>
  <overriddenstatus>UNKNOWN</overriddenstatus>
  <port enabled="true">8081</port>
  <securePort enabled="false">443</securePort>
  <countryId>1</countryId>
  <dataCenterInfo class="com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo">
    <name>MyOwn</name>
  </dataCenterInfo>
  <leaseInfo>
    <renewalIntervalInSecs>30</renewalIntervalInSecs>
    <durationInSecs>90</durationInSecs>
    <registrationTimestamp>0</registrationTimestamp>
    <lastRenewalTimestamp>0</lastRenewalTimestamp>
    <evictionTimestamp>0</evictionTimestamp>
    <serviceUpTimestamp>0</serviceUpTimestamp>
  </leaseInfo>
  <metadata>
    <management.port>8081</management.port>
    <my__key>a &amp; b</my__key>
  </metadata>
  <homePageUrl>http://host1:8081/</homePageUrl>
  <statusPageUrl>http://host1:8081/actuator/info</statusPageUrl>
  <healthCheckUrl>http://host1:8081/actuator/health</healthCheckUrl>
  <vipAddress>patient-service</vipAddress>
  <secureVipAddress>patient-service</secureVipAddress>
  <isCoordinatingDiscoveryServer>false</isCoordinatingDiscoveryServer>
  <lastUpdatedTimestamp>1700000000000</lastUpdatedTimestamp>
  <lastDirtyTimestamp>1700000000001</lastDirtyTimestamp>
</instance>`;

const XML = { 'content-type': 'application/xml' };

/** Returns an element as nested names and texts, for comparison. */
function shape({ children, text }: XmlElement): unknown {
  if (children.length === 0) return text;
  return children.map((child) => [child.name, shape(child)]);
}

async function readXml(response: Response): Promise<XmlElement> {
  expect(response.headers.get('content-type')).toContain('application/xml');
  return parseXml(await response.text());
}

const child = (element: XmlElement | undefined, name: string) => element?.children.find((each) => each.name === name);

describe('a registration in XML', () => {
  it('that a Java client sends is taken, with all that it has', async () => {
    const { fetchPath, call } = await startRegistry();
    const response = await fetchPath('POST', `apps/${APP}`, XML, JAVA_REGISTRATION);
    expect([response.status, await response.text()]).toEqual([204, '']);
    const { instance } = (await call('GET', `apps/${APP}/${ID}`)).json;
    expect(instance).toMatchObject({
      hostName: 'host1',
      port: { $: 8081, '@enabled': 'true' },
      securePort: { $: 443, '@enabled': 'false' },
      leaseInfo: { renewalIntervalInSecs: 30, durationInSecs: 90 },
      metadata: { 'management.port': '8081', my_key: 'a & b' },
      healthCheckUrl: 'http://host1:8081/actuator/health',
      lastDirtyTimestamp: '1700000000001',
    });
  });

  it('that is read and sent again gives the same instance', async () => {
    const { fetchPath, register } = await startRegistry();
    await register({ ...document, metadata: { zone: 'z1', 'a b': '<&>"\'', _x$: 'ü' } });
    const before = await (await fetchPath('GET', `apps/${APP}/${ID}`)).text();
    const other = await startRegistry();
    expect((await other.fetchPath('POST', `apps/${APP}`, XML, before)).status).toBe(204);
    expect(await (await other.fetchPath('GET', `apps/${APP}/${ID}`)).text()).toBe(before);
  });
});

describe('a response in XML', () => {
  it.each([[{}], [{ accept: '*/*' }], [{ accept: 'application/xml' }]])(
    'is for clients that do not accept JSON (%o)',
    async (headers) => {
      const { fetchPath } = await startRegistry();
      const response = await fetchPath('GET', 'apps/', headers);
      expect(shape(await readXml(response))).toEqual([
        ['versions__delta', '1'],
        ['apps__hashcode', ''],
      ]);
    },
  );

  it('is JSON for clients that accept both', async () => {
    const { fetchPath } = await startRegistry();
    const response = await fetchPath('GET', 'apps/', { accept: 'application/json, application/xml' });
    expect(response.headers.get('content-type')).toContain('application/json');
  });

  it('has an instance as Java writes it', async () => {
    const { fetchPath, register } = await startRegistry();
    await register();
    const list = await readXml(await fetchPath('GET', 'apps'));
    const application = child(list, 'application');
    expect(child(application, 'name')?.text).toBe(APP);
    const instance = child(application, 'instance');
    expect(shape(instance ?? list)).toEqual([
      ['instanceId', ID],
      ['hostName', 'host1'],
      ['app', APP],
      ['ipAddr', '127.0.0.1'],
      ['status', 'UP'],
      ['overriddenstatus', 'UNKNOWN'],
      ['port', '8081'],
      ['securePort', '443'],
      ['countryId', '1'],
      ['dataCenterInfo', [['name', 'MyOwn']]],
      [
        'leaseInfo',
        [
          ['renewalIntervalInSecs', '30'],
          ['durationInSecs', '90'],
          ['registrationTimestamp', '1700000000000'],
          ['lastRenewalTimestamp', '1700000000000'],
          ['evictionTimestamp', '0'],
          ['serviceUpTimestamp', '1700000000000'],
        ],
      ],
      ['metadata', [['zone', 'z1']]],
      ['homePageUrl', 'http://host1:8081/'],
      ['vipAddress', 'patient-service'],
      ['secureVipAddress', 'patient-secure'],
      ['isCoordinatingDiscoveryServer', 'false'],
      ['lastUpdatedTimestamp', '1700000000000'],
      ['lastDirtyTimestamp', '1700000000000'],
      ['actionType', 'ADDED'],
    ]);
    expect(child(instance, 'port')?.attributes.get('enabled')).toBe('true');
    expect(child(instance, 'dataCenterInfo')?.attributes.get('class')).toBe(
      'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo',
    );
  });

  it.each([
    [`apps/${APP}`, 'application'],
    [`apps/${APP}/${ID}`, 'instance'],
    [`instances/${ID}`, 'instance'],
    ['vips/patient-service', 'applications'],
    ['svips/patient-secure', 'applications'],
    ['apps/delta', 'applications'],
  ])('of %s is one %s', async (path, name) => {
    const { fetchPath, register } = await startRegistry();
    await register();
    expect((await readXml(await fetchPath('GET', path))).name).toBe(name);
  });

  it('notes the class of empty metadata', async () => {
    const { fetchPath, register } = await startRegistry();
    await register({ ...document, metadata: {} });
    const metadata = child(await readXml(await fetchPath('GET', `instances/${ID}`)), 'metadata');
    expect(metadata?.attributes.get('class')).toBe('java.util.Collections$EmptyMap');
    expect(metadata?.children).toEqual([]);
  });

  it('stays well-formed whatever is in the metadata', async () => {
    const { fetchPath, register } = await startRegistry();
    const metadata = { '@a="1"><evil': 'x', '</metadata>': ']]>', ' ': '\u0000\u0001', __proto: '"><script>' };
    expect(await register({ ...document, metadata })).toEqual(empty(204));
    const instance = await readXml(await fetchPath('GET', `instances/${ID}`));
    const texts = child(instance, 'metadata')?.children.map(({ text }) => text);
    expect(texts).toEqual(['x', ']]>', '\uFFFD\uFFFD', '"><script>']);
  });
});
