import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalformedXml, parseXml } from './parse.ts';

const refused = (xml: string) => expect(() => parseXml(xml)).toThrow(MalformedXml);

describe('an element', () => {
  it('has attributes, children and text', () => {
    const xml = `<?xml version="1.0" encoding="UTF-8"?>\n<a x="1" y='2'>\n  <b>text</b><c/>\n</a>\n`;
    const { name, attributes, children } = parseXml(xml);
    expect(name).toBe('a');
    expect([...attributes]).toEqual([
      ['x', '1'],
      ['y', '2'],
    ]);
    expect(children.map((child) => [child.name, child.text])).toEqual([
      ['b', 'text'],
      ['c', ''],
    ]);
  });

  it('can hold the five entities, numbers, comments and CDATA', () => {
    expect(parseXml('<a>&lt;&amp;&#x41;&#66;<!-- no --><![CDATA[<b>&]]></a>').text).toBe('<&AB<b>&');
    expect(parseXml('<a x="&quot;&apos;"/>').attributes.get('x')).toBe('"\'');
  });
});

describe('is refused:', () => {
  it.each([
    ['a document type', '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'],
    ['an outer entity', '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>'],
    ['an entity of its own', '<a>&x;</a>'],
    ['an entity that is not ended', '<a>&amp</a>'],
    ['a processing instruction', '<a><?php ?></a>'],
    ['an element that is not ended', '<a><b></a>'],
    ['an element that ends twice', '<a></a></a>'],
    ['two elements', '<a/><b/>'],
    ['text beside the element', '<a/>text'],
    ['nothing', ''],
    ['an attribute twice', '<a x="1" x="2"/>'],
    ['an attribute without quotes', '<a x=1/>'],
    ['a character that XML has not', '<a>\u0000</a>'],
    ['such a character as a number', '<a>&#0;</a>'],
    ['a number beyond all characters', '<a>&#9999999;</a>'],
    ['a comment without an end', `<a><!-- ${'x'.repeat(50_000)}</a>`],
    ['a tag without an end', `<a ${' '.repeat(50_000)}`],
    ['elements within each other without an end in sight', `${'<a>'.repeat(9)}${'</a>'.repeat(9)}`],
  ])('%s', (_what, xml) => refused(xml));
});

it('whatever text comes, it is read or refused', () => {
  const pieces = fc.constantFrom(
    '<',
    '>',
    '</',
    '/>',
    'a',
    'b',
    '=',
    '"',
    "'",
    '&',
    ';',
    '#',
    '!',
    '--',
    '[CDATA[',
    ' ',
    '?',
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 40 }), (parts) => {
      try {
        parseXml(parts.join(''));
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedXml);
      }
    }),
    { numRuns: 2_000 },
  );
});
