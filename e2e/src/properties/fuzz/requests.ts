/** Generates requests for an operation: valid, with a broken part, or with unusual surroundings. */
import fc from 'fast-check';
import { type Operation, type Parameter, readSchema } from './document.ts';
import { MARKER, mark } from './placeholders.ts';
import { brokenValuesOf, oddities, Raw, type Tree, valuesOf, writeTree } from './values.ts';

/** A text with placeholders; `isWritten` when it is in the address unencoded, which may be invalid. */
export interface AddressText {
  readonly text: string;
  readonly isWritten: boolean;
}

export interface Plan {
  readonly operation: Operation;
  readonly method: string;
  readonly pathParameters: Readonly<Record<string, AddressText>>;
  /** Follows the path. */
  readonly pathSuffix: string;
  readonly query: readonly (readonly [name: string, value: AddressText])[];
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** With placeholders. */
  readonly body: string | undefined;
  /** The number of announced bytes of the body that are not sent. */
  readonly missingBytes: number;
  /** Has a feature that no schema describes. Only the set of permitted responses is known. */
  readonly isOdd: boolean;
}

const plain = (text: string): AddressText => ({ text, isWritten: false });
const written = (text: string): AddressText => ({ text, isWritten: true });

/** Returns a value as text, as a client writes it into an address. */
const textOf = (tree: Tree): string =>
  typeof tree === 'string' ? tree : tree instanceof Raw ? tree.text : writeTree(tree);

const nameOf = ({ path }: Operation, { name }: Parameter): string => {
  if (name !== 'id') return name;
  const [, collection = ''] = /\/([a-z-]+)\/\{id\}/.exec(path) ?? [];
  return collection.replace(/s$/, '');
};

const parametersIn = ({ parameters }: Operation, location: string): Parameter[] =>
  parameters.filter((parameter) => parameter.in === location);

function pathParametersOf(operation: Operation): fc.Arbitrary<Plan['pathParameters']> {
  const arbitraries = parametersIn(operation, 'path').map(
    (parameter) =>
      [
        parameter.name,
        valuesOf(parameter.schema, nameOf(operation, parameter)).map((tree) => plain(textOf(tree))),
      ] as const,
  );
  return fc.record(Object.fromEntries(arbitraries));
}

function queryOf(operation: Operation): fc.Arbitrary<Plan['query']> {
  const parameters = parametersIn(operation, 'query');
  const arbitraries = parameters.map(
    (parameter) =>
      [
        parameter.name,
        valuesOf(parameter.schema, nameOf(operation, parameter)).map((tree) => plain(textOf(tree))),
      ] as const,
  );
  const requiredKeys = parameters.filter(({ required }) => required).map(({ name }) => name);
  return fc.record(Object.fromEntries(arbitraries), { requiredKeys }).map((record) => Object.entries(record));
}

const ETAGS = ['"1"', '"2"', '*', 'W/"1"', '"1", "2", "3"'];
const KEYS = ['k', MARKER, '"quoted"', '~!@#$%^&*()', 'k'.repeat(255)];

/** Generates the headers that an operation documents. A used key is refused, so most are new. */
function headersOf(operation: Operation): fc.Arbitrary<Plan['headers']> {
  const keys = fc.oneof(
    { weight: 5, arbitrary: fc.constant(mark.fresh()) },
    { weight: 1, arbitrary: fc.constantFrom(...KEYS) },
  );
  const arbitraries = parametersIn(operation, 'header').map(({ name }) => {
    const values = name.startsWith('if-') ? fc.constantFrom(...ETAGS) : keys;
    return fc.option(
      values.map((value) => [name, value] as const),
      { nil: undefined, freq: 2 },
    );
  });
  return fc.tuple(...arbitraries).map((headers) => headers.filter((header) => header !== undefined));
}

const bodyOf = ({ body }: Operation): fc.Arbitrary<string | undefined> =>
  body === undefined ? fc.constant(undefined) : valuesOf(body, '').map(writeTree);

const JSON_TYPE = ['content-type', 'application/json'] as const;

/** Generates a valid request. */
const documented = (operation: Operation): fc.Arbitrary<Plan> =>
  fc
    .record({
      pathParameters: pathParametersOf(operation),
      query: queryOf(operation),
      headers: headersOf(operation),
      body: bodyOf(operation),
    })
    .map(({ headers, body, ...parts }) => ({
      ...parts,
      operation,
      method: operation.method,
      pathSuffix: '',
      headers: body === undefined ? headers : [...headers, JSON_TYPE],
      body,
      missingBytes: 0,
      isOdd: false,
    }));

const brokenBody = (operation: Operation): fc.Arbitrary<Plan> =>
  fc
    .tuple(documented(operation), operation.body === undefined ? oddities : brokenValuesOf(operation.body, ''))
    .map(([plan, tree]) => ({
      ...plan,
      headers: operation.body === undefined ? [...plan.headers, JSON_TYPE] : plan.headers,
      body: writeTree(tree),
      isOdd: operation.body === undefined,
    }));

const BAD_BYTES = ['ff', 'eda080', 'c0af', 'f4908080', '00', '07', '5c7564383030', '5c7530303030'];

/** Generates a valid body whose text contains invalid bytes or characters. */
const taintedBody = (operation: Operation): fc.Arbitrary<Plan> =>
  fc.tuple(documented(operation), fc.constantFrom(...BAD_BYTES)).map(([plan, hex]) => ({
    ...plan,
    body: plan.body?.replace(MARKER, `${MARKER}${mark.bytes(hex)}`),
  }));

const MEBIBYTE = 1024 * 1024;
/** The ways to damage a whole body. */
const wrappings: ((body: string) => string)[] = [
  (body) => `${mark.bytes('efbbbf')}${body}`,
  (body) => body.slice(0, body.length / 2),
  (body) => `${body}${body}`,
  (body) => `\n\t ${body} \r\n`,
  (body) => `${body}${mark.bytes('00')}`,
  (body) => `[${body}]`,
  (body) => JSON.stringify(body),
  (body) => `${body}${mark.fill(MEBIBYTE - 1)}`,
  (body) => `${mark.fill(MEBIBYTE)}${body}`,
  (body) => `${body}${mark.fill(MEBIBYTE + 1)}`,
  (body) => `${body}${mark.fill(MEBIBYTE + 500_000)}`,
  () => '',
  () => `[${mark.list(150_000)}]`,
  () => mark.nest(400_000),
  () => `{${Array.from({ length: 3_000 }, (_, index) => `"${index}":${index}`)}}`,
  () => mark.bytes('fffe7b007d00'),
  () => mark.bytes('1f8b0800000000000003ab56020043bfa6a302000000'),
];

const wrappedBody = (operation: Operation): fc.Arbitrary<Plan> =>
  fc
    .tuple(documented(operation), fc.constantFrom(...wrappings))
    .map(([plan, wrap]) => ({ ...plan, body: wrap(plan.body ?? '{}'), isOdd: operation.body === undefined }));

/** Replaces each part of the body in turn by a long list or text. */
const hugeParts = (operation: Operation): fc.Arbitrary<Plan> => {
  const values = ['150000', '349000'].map((length) => `[${mark.list(Number(length) / 2)}]`);
  const names = Object.keys(
    isObject(operation.body) && isObject(operation.body.properties) ? operation.body.properties : {},
  );
  if (names.length === 0) return wrappedBody(operation);
  return fc
    .tuple(documented(operation), fc.constantFrom(...names), fc.constantFrom(...values))
    .map(([plan, name, value]) => {
      const tail = plan.body === undefined || plan.body === '{}' ? '}' : `,${plan.body.slice(1)}`;
      return {
        ...plan,
        body: `{${JSON.stringify(name)}:${value}${tail.replace(`${JSON.stringify(name)}:`, '"other":')}`,
      };
    });
};

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const WRITTEN = [
  ...[
    '%00',
    '%',
    '%2',
    '%zz',
    '%C0%AF',
    '%ED%A0%80',
    '%FF',
    '%2F',
    '%2e%2e',
    '..',
    '%252F',
    '%E2%80%AE',
    '%0d%0aX-Evil:%201',
    '+',
    ';a=b',
  ],
  ...[
    "'",
    '"',
    '<',
    '\\',
    '`',
    '^',
    '{}',
    '[]',
    '|',
    '*',
    '()',
    '&&',
    '=',
    '==',
    '?',
    '#x',
    ',',
    '!',
    '$1',
    '~',
    'null',
    'undefined',
    'NaN',
  ],
  ...[
    '',
    'true',
    'TRUE',
    '1',
    '0',
    '-1',
    '-0',
    '0x10',
    '1e1',
    '1.0',
    '01',
    '%201',
    '1%20',
    '1e400',
    '9'.repeat(50),
    '101',
    'Infinity',
    '1_0',
  ],
  ...[
    'é',
    '字',
    '\u202e',
    'a'.repeat(199),
    'a'.repeat(201),
    'a'.repeat(3_000),
    mark.bytes('ff'),
    mark.bytes('eda080'),
    mark.long(20_000),
  ],
];
/** Text that no proxy or parser interprets. */
const writtens = fc.oneof(
  fc.constantFrom(...WRITTEN),
  fc.constantFrom(mark.bytes('00'), mark.bytes('07'), mark.bytes('7f'), ' ', '\t'),
);

const addressTexts: fc.Arbitrary<AddressText> = fc.oneof(
  writtens.map(written),
  oddities.map((tree) => plain(textOf(tree))),
);

const brokenPath = (operation: Operation): fc.Arbitrary<Plan> => {
  const suffixes = fc.constantFrom(
    '/',
    '//',
    '/x',
    '/%2e%2e',
    '/../',
    '.json',
    ';v=1',
    '%00',
    '?',
    '#',
    '/'.repeat(2_000),
    '%20',
    '/%00',
  );
  const names = parametersIn(operation, 'path').map(({ name }) => name);
  const suffixed = fc
    .tuple(documented(operation), suffixes)
    .map(([plan, pathSuffix]) => ({ ...plan, pathSuffix, isOdd: true }));
  if (names.length === 0) return suffixed;
  const replaced = fc
    .tuple(documented(operation), fc.constantFrom(...names), addressTexts)
    .map(([plan, name, text]) => ({
      ...plan,
      pathParameters: { ...plan.pathParameters, [name]: text },
      isOdd: text.isWritten,
    }));
  return fc.oneof({ weight: 3, arbitrary: replaced }, { weight: 1, arbitrary: suffixed });
};

const NUMBERS = [
  '0x10',
  '1e1',
  '1.0',
  '01',
  ' 1',
  '1 ',
  '+1',
  '-0',
  '1e400',
  'NaN',
  'Infinity',
  '1_0',
  '٣',
  '0',
  '101',
  '-1',
  '',
  'true',
];

/** Generates texts for a parameter. Some parser accepts most of them as a number. */
const textsFor = (parameter: Parameter | undefined): fc.Arbitrary<AddressText> => {
  const { type } = readSchema(parameter?.schema ?? {});
  const isNumber = type === 'integer' || type === 'number';
  return isNumber ? fc.oneof(fc.constantFrom(...NUMBERS).map(plain), addressTexts) : addressTexts;
};

const UNKNOWN_NAMES = ['unknown', '__proto__', 'constructor', 'toString', 'a[b]', '%00', ''];

const brokenQuery = (operation: Operation): fc.Arbitrary<Plan> => {
  const parameters = parametersIn(operation, 'query');
  const known = parameters.map(({ name }) => name);
  const names = fc.oneof(fc.constantFrom(...UNKNOWN_NAMES), ...known.map((name) => fc.constant(name)));
  const pairs = names.chain((name) =>
    textsFor(parameters.find((parameter) => parameter.name === name)).map((text) => [name, text] as const),
  );
  const changes = fc.array(pairs, { minLength: 1, maxLength: 2 });
  return fc
    .tuple(documented(operation), changes, fc.constantFrom('replace', 'replace', 'add', 'double', 'drop'))
    .map(([plan, pairs, how]) => {
      const changed = new Set(pairs.map(([name]) => name));
      const remaining = plan.query.filter(([name]) => !changed.has(name));
      if (how === 'drop') return { ...plan, query: remaining };
      if (how === 'double') return { ...plan, query: [...plan.query, ...plan.query] };
      return { ...plan, query: how === 'add' ? [...plan.query, ...pairs] : [...remaining, ...pairs] };
    });
};

const HEADER_VALUES = [
  ...[
    '',
    ' ',
    '*',
    '"',
    '""',
    '"1',
    'W/',
    'w/"1"',
    ',',
    ',,,',
    '"1",',
    '"1" "2"',
    '0',
    '-1',
    'null',
    '\u00e9',
    'a'.repeat(300),
    mark.long(3_000),
  ],
  ...[
    mark.bytes('ff'),
    mark.bytes('80'),
    '"9007199254740993"',
    '"é"',
    '"1e0"',
    `"${MARKER}"`,
    '"01"',
    'gzip',
    'x;q=0',
    'chunked',
    'bytes=0-',
  ],
  ...[
    `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01`,
    `00-${'a'.repeat(32)}-${'b'.repeat(16)}-zz`,
    `ff-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
  ],
];
const HEADER_NAMES = [
  ...[
    'if-match',
    'if-none-match',
    'if-modified-since',
    'if-unmodified-since',
    'if-range',
    'idempotency-key',
    'traceparent',
    'tracestate',
  ],
  ...[
    'x-request-id',
    'accept',
    'accept-encoding',
    'accept-charset',
    'range',
    'cookie',
    'authorization',
    'x-forwarded-for',
    'forwarded',
  ],
  ...[
    'x-http-method-override',
    'connection',
    'upgrade',
    'te',
    'expect',
    'content-encoding',
    'content-type',
    'host',
    'origin',
    'x-daybook-role',
  ],
  ...[
    'via',
    'max-forwards',
    'transfer-encoding',
    'content-length',
    'keep-alive',
    'trailer',
    'date',
    'referer',
    '__proto__',
    'proxy-connection',
  ],
];
const HEADER_PAIRS = [
  ...([
    ['connection', 'if-match, content-type, idempotency-key'],
    ['connection', 'close, x-request-id'],
    ['connection', 'upgrade'],
  ] as const),
  ...([
    ['upgrade', 'websocket'],
    ['upgrade', 'h2c'],
    ['expect', '100-continue'],
    ['expect', '100-continue, x'],
    ['expect', '200-ok'],
  ] as const),
  ...([
    ['transfer-encoding', 'gzip, chunked'],
    ['transfer-encoding', 'identity'],
    ['content-length', '+5'],
    ['content-length', '5, 5'],
  ] as const),
  ...([
    ['accept', 'text/html'],
    ['accept', 'application/xml;q=1, */*;q=0'],
    ['host', 'a b'],
    ['host', 'example.org:99999'],
  ] as const),
];
const oddHeaders = fc.oneof(
  fc.tuple(fc.constantFrom(...HEADER_NAMES), fc.constantFrom(...HEADER_VALUES)),
  fc.constantFrom(...HEADER_PAIRS),
);

const brokenHeaders = (operation: Operation): fc.Arbitrary<Plan> =>
  fc
    .tuple(documented(operation), fc.array(oddHeaders, { minLength: 1, maxLength: 3 }), fc.boolean())
    .map(([plan, headers, twice]) => ({
      ...plan,
      headers: [...plan.headers, ...headers, ...(twice ? headers : [])],
      isOdd: true,
    }));

const TYPES = [
  ...[
    'application/json; charset=utf-8',
    'application/json;charset=UTF-16',
    'application/json; charset="latin1"',
    'APPLICATION/JSON',
    'text/json',
  ],
  ...[
    'application/merge-patch+json',
    'text/plain',
    'application/xml',
    'multipart/form-data; boundary=x',
    'application/x-www-form-urlencoded',
  ],
  ...[
    '',
    ';',
    'application/json;',
    'application/json, application/json',
    'application/json; x',
    '*/*',
    'application',
    'application/json\u00e9',
  ],
];
const otherType = (operation: Operation): fc.Arbitrary<Plan> =>
  fc.tuple(documented(operation), fc.option(fc.constantFrom(...TYPES))).map(([plan, type]) => ({
    ...plan,
    headers: [
      ...plan.headers.filter(([name]) => name !== 'content-type'),
      ...(type === null ? [] : ([['content-type', type]] as const)),
    ],
    isOdd: true,
  }));

const METHODS = [
  'HEAD',
  'OPTIONS',
  'TRACE',
  'GET',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'CONNECT',
  'PROPFIND',
  'QUERY',
  'PURGE',
  'M-SEARCH',
  'get',
  'XYZZY',
  'PRI',
];
const otherMethod = (operation: Operation): fc.Arbitrary<Plan> =>
  fc
    .tuple(documented(operation), fc.constantFrom(...METHODS.filter((method) => method !== operation.method)))
    .map(([plan, method]) => ({ ...plan, method, isOdd: true }));

const cutBody = (operation: Operation): fc.Arbitrary<Plan> =>
  fc
    .tuple(documented(operation), fc.integer({ min: 1, max: 100 }))
    .map(([plan, missingBytes]) => ({ ...plan, missingBytes, isOdd: true }));

/** Generates requests of all kinds. Large bodies are rarer, because they take longer. */
export const requestsFor = (operation: Operation): fc.Arbitrary<Plan> =>
  fc.oneof(
    { weight: 12, arbitrary: documented(operation) },
    { weight: 10, arbitrary: brokenBody(operation) },
    { weight: 3, arbitrary: taintedBody(operation) },
    { weight: 2, arbitrary: wrappedBody(operation) },
    { weight: 1, arbitrary: hugeParts(operation) },
    { weight: 4, arbitrary: brokenPath(operation) },
    { weight: 8, arbitrary: brokenQuery(operation) },
    { weight: 4, arbitrary: brokenHeaders(operation) },
    { weight: 1, arbitrary: otherType(operation) },
    { weight: 1, arbitrary: otherMethod(operation) },
    { weight: 1, arbitrary: cutBody(operation) },
  );
