/** Generates values that match a JSON schema, and values that do not. */
import { BIRTH_DATE, FREE_TEXT, VISIBLE_TEXT } from '@daybook/contracts';
import fc from 'fast-check';
import { type JsonSchema, readSchema } from './document.ts';
import { MARKER, mark } from './placeholders.ts';

/** Raw text in place of JSON, possibly invalid. */
export class Raw {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** A JSON value in which any part may be raw text. An object keeps duplicate fields. */
export type Tree = null | boolean | number | string | Raw | Tree[] | Fields;
export class Fields {
  readonly entries: [name: string, value: Tree][];
  constructor(entries: [name: string, value: Tree][]) {
    this.entries = entries;
  }
}

export function writeTree(tree: Tree): string {
  if (tree instanceof Raw) return tree.text;
  if (Array.isArray(tree)) return `[${tree.map(writeTree).join(',')}]`;
  if (!(tree instanceof Fields)) return JSON.stringify(tree);
  return `{${tree.entries.map(([name, value]) => `${JSON.stringify(name)}:${writeTree(value)}`).join(',')}}`;
}

/** Letters that combine, run from right to left, need more than 16 bits, have no width, or have one case only. */
const LETTERS = [
  'é',
  'e\u0301',
  'ß',
  'İ',
  'ש',
  'مرحبا',
  '\u202e',
  '\u200b',
  '\u200d',
  '👩‍👩‍👧',
  '𐍈',
  '字',
  'Å',
  '\ufeff',
  "'",
  '"',
  '%',
  '_',
  '\\',
  '-',
  'x',
  ' ',
];
const text = (maxLength: number): fc.Arbitrary<string> =>
  fc.oneof(
    fc.constant(MARKER),
    fc
      .string({ unit: fc.constantFrom(...LETTERS), minLength: 1, maxLength: 8 })
      .map((letters) => `${MARKER}${letters}`),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: Math.min(maxLength, 20) }),
    fc.constant('字'.repeat(maxLength)),
    fc.constant('𐍈'.repeat(maxLength)),
  );

const INSTANTS = [
  '0000-01-01T00:00:00Z',
  '0001-01-01T00:00:00+23:59',
  '0000-01-01T00:00:00+23:59',
  '9999-12-31T23:59:59.999999999Z',
  '9999-12-31T23:59:59-23:59',
  '1970-01-01T00:00:00-00:00',
  '2016-12-31T23:59:60Z',
  '2026-02-28T24:00:00Z',
  '2026-03-29T02:30:00+01:00',
  '2026-11-23t14:00:00.5z',
];
const instants = fc.oneof(
  { weight: 5, arbitrary: fc.nat({ max: 400 }).map(mark.time) },
  { weight: 1, arbitrary: fc.constantFrom(...INSTANTS) },
  {
    weight: 1,
    arbitrary: fc
      .date({ min: new Date('1990-01-01T00:00:00Z'), max: new Date('2060-01-01T00:00:00Z'), noInvalidDate: true })
      .map((date) => date.toISOString()),
  },
);

const birthDates = fc
  .date({ min: new Date('1850-01-01'), max: new Date('2026-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 10));

const formats: Record<string, fc.Arbitrary<string>> = {
  'date-time': instants,
  date: fc.oneof(
    fc.constantFrom('0000-01-01', '9999-12-31', '2024-02-29', '1990-02-01', '1900-02-28'),
    fc
      .date({ min: new Date('0100-01-01'), max: new Date('9998-12-31'), noInvalidDate: true })
      .map((date) => date.toISOString().slice(0, 10)),
  ),
  'accent-colour': fc.constantFrom('#0b5fff', '#000000', '#ffffff', '#FFF', 'blue', '#00800g'),
  'time-zone': fc.constantFrom(
    ...Intl.supportedValuesOf('timeZone'),
    'UTC',
    'utc',
    'Etc/GMT+12',
    'EST5EDT',
    'europe/berlin',
  ),
  'language-tag': fc.constantFrom('en', 'pt-BR', 'zh-Hant-TW', 'x-private', 'sl-rozaj-biske', 'EN-us'),
  phone: fc.oneof(
    fc.constantFrom('+1 (555) 123-4567', '00351 912 345 678', 'tel:+4930123456', '+٩٦٦ ٥٠ ١٢٣ ٤٥٦٧', '+12345'),
    fc.nat({ max: 999_999 }).map((number) => `+1555${String(number).padStart(7, '0')}`),
  ),
  email: fc.constantFrom(`${MARKER}@example.org`, "o'hara+x@a.b", `${'a'.repeat(60)}@${'b'.repeat(60)}.example`),
};

/** Generates existing ids of a kind, and sometimes ids of another kind or of no resource. */
const ids = (kind: string): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 12, arbitrary: fc.nat({ max: 9 }).map((index) => mark.id(kind, index)) },
    { weight: 2, arbitrary: fc.nat({ max: 40 }).map((index) => mark.id('', index)) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        '00000000-0000-0000-0000-000000000000',
        'ffffffff-ffff-ffff-ffff-ffffffffffff',
        'FFFFFFFF-FFFF-7FFF-BFFF-FFFFFFFFFFFF',
        '01890000-0000-7000-8000-000000000001',
      ),
    },
  );

/** Words with a meaning in the clinic of the requests, by the name of the field or parameter. */
const meant: Record<string, string> = { specialty: 'general-practice', specialties: 'general-practice' };

/** Returns the kind of an id by the name of its field: `patientId` and the target of a merge are `patients`. */
const kindOf = (name: string): string =>
  name === 'into' ? 'patient' : name.replace(/Id$/, '').replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

function strings(schema: JsonSchema, name: string): fc.Arbitrary<string> {
  const { format, pattern, maxLength = 100 } = schema;
  if (format === 'uuid') return ids(kindOf(name));
  if (pattern === BIRTH_DATE) return birthDates;
  if (format !== undefined) {
    const known = formats[format];
    if (!known) throw new Error(`the fuzzer has no values of the format ${format}: give it some`);
    return known;
  }
  if (pattern === VISIBLE_TEXT) return text(maxLength);
  if (pattern === FREE_TEXT) return fc.oneof(text(maxLength), fc.constant(`${MARKER}\r\n\t${MARKER}`));
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern, 'u'));
  return text(maxLength);
}

function numbers({ type, minimum = -1000, maximum = 1_000_000, multipleOf = 1 }: JsonSchema): fc.Arbitrary<number> {
  if (type === 'number') return fc.double({ min: minimum, max: maximum, noNaN: true });
  const [low, high] = [Math.ceil(minimum / multipleOf), Math.floor(maximum / multipleOf)];
  const small = Math.min(high, low + 24);
  return fc
    .oneof(
      { weight: 3, arbitrary: fc.integer({ min: low, max: small }) },
      { weight: 1, arbitrary: fc.constantFrom(low, high) },
    )
    .map((count) => count * multipleOf);
}

/** Generates values that mostly match the schema; its validator decides. `name` is that of the field or parameter. */
export function valuesOf(raw: unknown, name: string): fc.Arbitrary<Tree> {
  const schema = readSchema(raw);
  const { anyOf, enum: words, const: only, type } = schema;
  if (anyOf) return fc.oneof(...anyOf.map((one) => valuesOf(one, name)));
  if (words) return fc.constantFrom(...words.map(treeOf));
  if (only !== undefined) return fc.constant(treeOf(only));
  if (type === 'null') return fc.constant(null);
  if (type === 'boolean') return fc.boolean();
  if (type === 'integer' || type === 'number') return numbers(schema);
  if (type === 'string') {
    const word = meant[name];
    return word === undefined ? strings(schema, name) : fc.oneof(fc.constant(word), strings(schema, name));
  }
  if (type === 'array') return arrays(schema, name);
  if (type === 'object') return objects(schema);
  throw new Error(`the fuzzer has no values of ${name}, which is of the type ${type}: give it some`);
}

function arrays({ items, minItems = 0, maxItems = 5 }: JsonSchema, name: string): fc.Arbitrary<Tree> {
  const few = fc.array(valuesOf(items, name), { minLength: minItems, maxLength: Math.min(maxItems, minItems + 4) });
  return fc.oneof(
    { weight: 5, arbitrary: few },
    { weight: 1, arbitrary: valuesOf(items, name).map((item) => Array.from({ length: maxItems }, () => item)) },
  );
}

function objects({ properties = {}, required = [] }: JsonSchema): fc.Arbitrary<Tree> {
  const all = Object.entries(properties).map(([name, schema]) => [name, valuesOf(schema, name)] as const);
  const needed = all.filter(([name]) => required.includes(name));
  // Some objects have required fields only, because each further field is one more reason for a refusal.
  const bare = fc.record<Record<string, Tree>>(Object.fromEntries(needed));
  const rich = fc.record<Record<string, Tree>>(Object.fromEntries(all), { requiredKeys: required });
  return fc.oneof(rich, ...(needed.length > 0 ? [bare] : [])).map((record) => new Fields(Object.entries(record)));
}

function treeOf(value: unknown): Tree {
  if (value === null || typeof value === 'boolean' || typeof value === 'number' || typeof value === 'string')
    return value;
  throw new Error('only plain words stand in an enum');
}

/** Values for any place, usually of the wrong type. */
export const oddities: fc.Arbitrary<Tree> = fc.oneof(
  fc.constantFrom<Tree>(
    null,
    true,
    false,
    0,
    -0,
    -1,
    1.5,
    1e308,
    Number.MAX_SAFE_INTEGER,
    Number.MIN_SAFE_INTEGER,
    5e-324,
  ),
  fc.constantFrom<Tree>(
    '',
    ' ',
    '\t',
    'null',
    'NaN',
    '\u0000',
    `${MARKER}\u0000${MARKER}`,
    '\u0007',
    '\u0085',
    '\ud800',
    '\udc00x',
    '\ufffe',
  ),
  fc
    .constantFrom(
      ...[
        'NaN',
        'Infinity',
        '-Infinity',
        '1e400',
        '-0',
        '01',
        '1.',
        '.5',
        '0x10',
        '+1',
        '9'.repeat(400),
        '9007199254740993',
      ],
      ...[
        "'text'",
        'undefined',
        '',
        '{',
        '}',
        '{"a":1,}',
        '[1,]',
        '"',
        '"\\x"',
        '"\\u12"',
        '"\\ud800"',
        '"\\udfff\\ud800"',
        '/* */1',
      ],
      ...['{"__proto__":{"x":1}}', '{"constructor":{"prototype":{}}}', '{"a":1,"a":2}', '{"":0}', '"\n"'],
      ...[
        `"${mark.bytes('eda080')}"`,
        `"${mark.bytes('c0af')}"`,
        `"${mark.bytes('ff')}"`,
        `"${mark.bytes('f4908080')}"`,
        mark.bytes('00'),
      ],
      ...[
        mark.nest(50),
        mark.nest(20_000),
        `[${mark.list(2_000)}]`,
        `"${mark.long(5_000)}"`,
        `"${mark.long(300_000)}"`,
      ],
    )
    .map((written) => new Raw(written)),
  fc.constantFrom<Tree>(
    ...[
      '0000-00-00',
      '2026-13-01',
      '2026-02-30',
      '-271821-04-20',
      '+275760-09-13',
      '10000-01-01',
      '2026-1-1',
      '20260101',
    ],
    ...['2026-11-23', '2026-11-23T14:00:00', '2026-11-23T14:00Z', '2026-11-23 14:00:00Z', '-271821-04-19T23:59:59Z'],
    ...['+275760-09-13T00:00:00.001Z', '2026-11-23T25:00:00Z', '2026-11-23T14:00:60Z', '2026-11-23T14:00:00+24:00'],
    ...[
      '2026-11-23T14:00:00.1234567890Z',
      '2026-11-23T14:00:00Z[u-ca=hebrew]',
      '2026-11-23T14:00:00−05:00',
      '٢٠٢٦-١١-٢٣',
    ],
    ...INSTANTS,
  ),
  fc.constantFrom<Tree>(
    '+05:00',
    'Mars/Olympus',
    'UTC[x]',
    'en_US',
    'i-',
    '24:00',
    '24:01',
    '9:00',
    '../../etc/passwd',
    '1; drop table patients',
  ),
  fc.constantFrom<Tree>(
    [],
    new Fields([]),
    [[]],
    [null],
    new Fields([['toString', 1]]),
    new Fields([['__proto__', 1]]),
  ),
  fc.jsonValue({ maxDepth: 2 }).map((value) => new Raw(JSON.stringify(value))),
);

interface Mutation {
  readonly at: number;
  readonly kind: 'replace' | 'remove' | 'add' | 'double';
  readonly name: string;
  readonly value: Tree;
}

const mutations: fc.Arbitrary<Mutation> = fc.record({
  at: fc.nat({ max: 1000 }),
  kind: fc.constantFrom('replace', 'replace', 'replace', 'remove', 'add', 'double'),
  name: fc.constantFrom(
    'extra',
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    '',
    'id',
    'version',
    'a/b~c',
    MARKER,
    'é',
  ),
  value: oddities,
});

/** Generates values of the schema with one or several broken parts. */
export const brokenValuesOf = (schema: unknown, name: string): fc.Arbitrary<Tree> =>
  fc
    .tuple(valuesOf(schema, name), fc.array(mutations, { minLength: 1, maxLength: 3 }))
    .map(([tree, changes]) => changes.reduce(mutate, tree));

const sizeOf = (tree: Tree): number => childrenOf(tree).reduce<number>((sum, child) => sum + sizeOf(child), 1);
const childrenOf = (tree: Tree): Tree[] =>
  tree instanceof Fields ? tree.entries.map(([, value]) => value) : Array.isArray(tree) ? tree : [];

/** Changes the `at`-th part, counted from the outside. */
function mutate(tree: Tree, mutation: Mutation): Tree {
  return change(tree, { ...mutation, at: mutation.at % sizeOf(tree) });
}

function change(tree: Tree, mutation: Mutation): Tree {
  if (mutation.at === 0) return changePart(tree, mutation);
  let { at } = mutation;
  at -= 1;
  const children = childrenOf(tree);
  const changed: Tree[][] = [];
  for (const child of children) {
    const size = sizeOf(child);
    const here = at >= 0 && at < size;
    if (here && at === 0 && mutation.kind === 'remove') changed.push([]);
    else if (here && at === 0 && mutation.kind === 'double') changed.push([child, child]);
    else changed.push([here ? change(child, { ...mutation, at }) : child]);
    at -= size;
  }
  if (Array.isArray(tree)) return changed.flat();
  if (!(tree instanceof Fields)) return tree;
  return new Fields(
    tree.entries.flatMap(([name], index) => (changed[index] ?? []).map((value): [string, Tree] => [name, value])),
  );
}

function changePart(tree: Tree, { kind, name, value }: Mutation): Tree {
  if (kind === 'replace' || kind === 'remove') return value;
  if (kind === 'double') return [tree, tree];
  if (tree instanceof Fields) return new Fields([...tree.entries, [name, value]]);
  return Array.isArray(tree) ? [...tree, value] : new Fields([[name, tree]]);
}
