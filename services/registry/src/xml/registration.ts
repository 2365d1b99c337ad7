/** Converts a registration in XML to the document that JSON would contain. Its schema is checked elsewhere. */
import { decodeName } from './names.ts';
import { MalformedXml, parseXml, type XmlElement } from './parse.ts';

type Document = Record<string, unknown>;

/** Reads a port. `byDefault` is `enabled` when the attribute is missing, as in Java. */
const port = (byDefault: 'true' | 'false') => (element: XmlElement) => ({
  $: element.text.trim(),
  '@enabled': element.attributes.get('enabled') ?? byDefault,
});

const metadata = ({ children }: XmlElement): Document =>
  Object.fromEntries(children.map(({ name, text }) => [decodeName(name), text]));

const number = ({ text }: XmlElement): unknown => (/^\d{1,15}$/.test(text.trim()) ? Number(text) : text);

const leaseInfo = ({ children }: XmlElement): Document =>
  Object.fromEntries(children.map((child) => [child.name, number(child)]));

const dataCenterInfo = ({ children }: XmlElement): Document =>
  Object.fromEntries(
    children.map((child) => [child.name, child.name === 'metadata' ? metadata(child) : textOf(child)]),
  );

const textOf = ({ text }: XmlElement): string => text.trim();

const READERS: ReadonlyMap<string, (element: XmlElement) => unknown> = new Map([
  ['port', port('true')],
  ['securePort', port('false')],
  ['metadata', metadata],
  ['leaseInfo', leaseInfo],
  ['dataCenterInfo', dataCenterInfo],
]);

/** Java writes this name with a lower-case letter. */
const fieldOf = (name: string): string => (name === 'overriddenstatus' ? 'overriddenStatus' : name);

/** Reads a registration. @throws MalformedXml */
export function readRegistrationXml(xml: string): Document {
  const root = parseXml(xml);
  if (root.name !== 'instance') throw new MalformedXml('not an instance');
  const fields = root.children.map((child) => [fieldOf(child.name), (READERS.get(child.name) ?? textOf)(child)]);
  return { instance: Object.fromEntries(fields) };
}
