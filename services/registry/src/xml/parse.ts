/**
 * Reads the XML of Eureka's clients: elements, attributes and text. Rejects all other XML, such as document types,
 * custom entities and processing instructions. This also prevents the attacks that use them. Decision 15 explains why
 * no library is used.
 */

export interface XmlElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** Excludes the text of the children. */
  readonly text: string;
}

/** The text is not XML, or uses unsupported features of XML. The message states the position and quotes nothing. */
export class MalformedXml extends Error {
  override readonly name = 'MalformedXml';
}

/** An instance's documents have four levels. */
const MAX_DEPTH = 8;
const NAME = String.raw`[\p{L}_:][\p{L}\p{N}_:.\-]*`;
const ATTRIBUTE = String.raw`\s+(${NAME})\s*=\s*("[^"<]*"|'[^'<]*')`;
const DECLARATION = /^\uFEFF?\s*<\?xml\s[^<>?]*\?>/;
const START = new RegExp(String.raw`<(${NAME})((?:${ATTRIBUTE})*)\s*(/?)>`, 'uy');
const END = new RegExp(String.raw`</(${NAME})\s*>`, 'uy');
const COMMENT = /<!--(?:(?!--).)*-->/sy;
const CDATA = /<!\[CDATA\[((?:(?!\]\]>).)*)\]\]>/sy;
const TEXT = /[^<]+/y;
/** XML 1.0 cannot represent these characters, not even as numbers. */
const FORBIDDEN = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;
const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
]);

interface OpenElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: XmlElement[];
  text: string;
}

/** Returns the root element. @throws MalformedXml */
export function parseXml(xml: string): XmlElement {
  if (FORBIDDEN.test(xml)) throw new MalformedXml('a character that XML does not have');
  const root: OpenElement = { name: '', attributes: new Map(), children: [], text: '' };
  const openElements = [root];
  let at = DECLARATION.exec(xml)?.[0].length ?? 0;

  function match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = at;
    const found = pattern.exec(xml) ?? undefined;
    at += found?.[0].length ?? 0;
    return found;
  }

  while (at < xml.length) {
    const parent = openElements.at(-1) ?? root;
    const text = match(TEXT);
    const start = text ? undefined : match(START);
    if (text) parent.text += decoded(text[0]);
    else if (start) {
      const element: OpenElement = {
        name: start[1] ?? '',
        attributes: attributesOf(start[2] ?? ''),
        children: [],
        text: '',
      };
      parent.children.push(element);
      if (start.at(-1) === '') openElements.push(element);
      if (openElements.length > MAX_DEPTH + 1) throw new MalformedXml('too many elements within each other');
    } else if (match(END)?.[1] === parent.name && parent !== root) openElements.pop();
    else if (!match(COMMENT)) parent.text += cdataOf(match(CDATA), at);
  }
  return onlyElement(root, openElements.length);
}

function cdataOf(found: RegExpExecArray | undefined, at: number): string {
  if (!found) throw new MalformedXml(`not understood at ${at}`);
  return found[1] ?? '';
}

function onlyElement(root: OpenElement, openCount: number): XmlElement {
  const [element, ...others] = root.children;
  if (!element || others.length > 0 || openCount !== 1 || root.text.trim() !== '')
    throw new MalformedXml('not one whole element');
  return element;
}

function attributesOf(text: string): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>();
  for (const [, name = '', quoted = ''] of text.matchAll(new RegExp(ATTRIBUTE, 'gu'))) {
    if (attributes.has(name)) throw new MalformedXml('an attribute twice');
    attributes.set(name, decoded(quoted.slice(1, -1)));
  }
  return attributes;
}

function decoded(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(?:#(\d{1,7})|#x([\da-fA-F]{1,6})|(\w{1,8}));|&/g, (_all, decimal, hex, name) => {
    const character = name === undefined ? characterOf(decimal, hex) : ENTITIES.get(name);
    if (character === undefined || FORBIDDEN.test(character)) throw new MalformedXml('an entity that is not known');
    return character;
  });
}

function characterOf(decimal: string | undefined, hex: string | undefined): string | undefined {
  if (decimal === undefined && hex === undefined) return undefined;
  const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
  return code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
}
