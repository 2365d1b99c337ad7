/** Writes instances and their lists as the XML of Java's Eureka clients. */
import type { Application, Applications, ListedInstance } from '../domain/applications.ts';
import { encodeName } from './names.ts';

/** XML 1.0 cannot represent these characters, not even as numbers. */
const FORBIDDEN = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu;
const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  '\r': '&#13;',
};

const escaped = (text: string): string =>
  text.replace(FORBIDDEN, '\uFFFD').replace(/[&<>"'\r]/g, (character) => ESCAPES[character] ?? '');

/** Writes an element. The code supplies `name` and the names of attributes, so they are valid XML. */
function element(name: string, content: string, attributes: Readonly<Record<string, string>> = {}): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(value)}"`);
  return `<${name}${written.join('')}>${content}</${name}>`;
}

/** Writes those fields that are present. */
const texts = (fields: Readonly<Record<string, string | number | undefined>>): string =>
  Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => element(name, escaped(String(value))))
    .join('');

const port = (name: string, value: ListedInstance['port']): string =>
  value ? element(name, String(value.$), { enabled: value['@enabled'] }) : '';

function metadata(entries: Readonly<Record<string, string>> | undefined): string {
  if (!entries) return '';
  const { '@class': marker, ...rest } = entries;
  const content = Object.entries(rest).map(([name, value]) => element(encodeName(name), escaped(value)));
  return element('metadata', content.join(''), marker === undefined ? {} : { class: marker });
}

function dataCenter(info: ListedInstance['dataCenterInfo']): string {
  if (!info) return '';
  return element('dataCenterInfo', texts({ name: info.name }) + metadata(info.metadata), { class: info['@class'] });
}

const lease = (info: ListedInstance['leaseInfo']): string => (info ? element('leaseInfo', texts(info)) : '');

const contentOf = (instance: ListedInstance): string =>
  [
    texts({
      instanceId: instance.instanceId,
      hostName: instance.hostName,
      app: instance.app,
      ipAddr: instance.ipAddr,
      status: instance.status,
      // In lower case, as Eureka has always written it. Java reads both.
      overriddenstatus: instance.overriddenStatus,
    }),
    port('port', instance.port),
    port('securePort', instance.securePort),
    texts({ countryId: instance.countryId }),
    dataCenter(instance.dataCenterInfo),
    lease(instance.leaseInfo),
    metadata(instance.metadata),
    texts({
      appGroupName: instance.appGroupName,
      homePageUrl: instance.homePageUrl,
      statusPageUrl: instance.statusPageUrl,
      healthCheckUrl: instance.healthCheckUrl,
      secureHealthCheckUrl: instance.secureHealthCheckUrl,
      vipAddress: instance.vipAddress,
      secureVipAddress: instance.secureVipAddress,
      isCoordinatingDiscoveryServer: instance.isCoordinatingDiscoveryServer,
      lastUpdatedTimestamp: instance.lastUpdatedTimestamp,
      lastDirtyTimestamp: instance.lastDirtyTimestamp,
      actionType: instance.actionType,
      asgName: instance.asgName,
    }),
  ].join('');

export const instanceXml = (instance: ListedInstance): string => element('instance', contentOf(instance));

export const applicationXml = ({ name, instance }: Application): string =>
  element('application', texts({ name }) + instance.map(instanceXml).join(''));

export const applicationsXml = ({ versions__delta, apps__hashcode, application }: Applications): string =>
  element('applications', texts({ versions__delta, apps__hashcode }) + application.map(applicationXml).join(''));
