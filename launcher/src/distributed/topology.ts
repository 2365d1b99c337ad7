/** Reads and checks the topology file: the services, their counts and their ports. */
import { readFile } from 'node:fs/promises';
import { OneOf } from '@daybook/contracts';
import { createValidator, EXIT, StartFailure } from '@daybook/service';
import { type Static, Type } from 'typebox';
import { type ServiceName, serviceNames } from '../services.ts';

const MAX_PROCESSES = 20;
const MAX_CHARACTERS = 100_000;

const EntryShape = Type.Object(
  {
    service: OneOf(serviceNames, { description: 'A folder of `services`' }),
    count: Type.Optional(
      Type.Integer({ minimum: 1, maximum: MAX_PROCESSES, description: 'How many processes of it; one when left out' }),
    ),
    ports: Type.Optional(
      Type.Array(Type.Integer({ minimum: 0, maximum: 65_535 }), {
        minItems: 1,
        maxItems: MAX_PROCESSES,
        description: 'One for each process; 0 takes a free one, as does leaving them out. The gateway has DAYBOOK_PORT',
      }),
    ),
    environment: Type.Optional(
      Type.Record(Type.String({ pattern: '^[A-Z][A-Z0-9_]*$' }), Type.String(), {
        description: 'Variables of these processes, before those of the shell',
      }),
    ),
  },
  { additionalProperties: false },
);

/** The schema of the file. `launcher/topology.schema.json` is generated from it for editors. */
export const TopologyFile = Type.Object(
  {
    $schema: Type.Optional(Type.String({ description: 'For editors' })),
    services: Type.Array(EntryShape, {
      minItems: 1,
      maxItems: serviceNames.length,
      description: 'Ended from the last to the first: a service stands below those that it calls',
    }),
  },
  { additionalProperties: false, title: 'The processes of npm run start:distributed' },
);

/** One service of the file. */
export type Entry = Static<typeof EntryShape> & { readonly service: ServiceName; readonly count: number };
export type Topology = readonly Entry[];

const invalid = (path: string, faults: readonly string[]) =>
  new StartFailure(EXIT.configuration, `The topology ${path} is wrong: ${faults.join('; ')}.`);

function faultsOfEntry({ service, count, ports }: Entry): string[] {
  const faults: string[] = [];
  if (ports && ports.length !== count) faults.push(`${service} has ${count} processes and ${ports.length} ports`);
  if (service === 'registry' && count > 1) faults.push('registry can be there once; its peers are other machines');
  if (service === 'gateway' && count > 1 && !ports) faults.push('gateway needs the ports of its processes');
  return faults;
}

function faultsOfAll(entries: Topology): string[] {
  const names = entries.map(({ service }) => service);
  const ports = entries.flatMap((entry) => entry.ports ?? []).filter((port) => port !== 0);
  return [
    ...new Set(names.filter((name, index) => names.indexOf(name) !== index).map((name) => `${name} is there twice`)),
    ...new Set(
      ports.filter((port, index) => ports.indexOf(port) !== index).map((port) => `port ${port} is given twice`),
    ),
    ...(names.includes('gateway') ? [] : ['gateway is missing: the system would have no entry']),
  ];
}

/**
 * Parses a topology.
 * @throws StartFailure 78 naming every error
 */
export function parseTopology(text: string, path: string): Topology {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw invalid(path, ['it is not JSON']);
  }
  const checked = checkTopology(parsed);
  if ('faults' in checked)
    throw invalid(
      path,
      checked.faults.map(({ pointer, message }) => `${pointer} ${message}`),
    );
  const entries = checked.value.services.map((entry) => ({ ...entry, count: entry.count ?? 1 }));
  const faults = [...entries.flatMap(faultsOfEntry), ...faultsOfAll(entries)];
  if (faults.length > 0) throw invalid(path, faults);
  return entries;
}

const checkTopology = createValidator(TopologyFile);

/**
 * Reads a topology.
 * @throws StartFailure 78 when the file cannot be read or is invalid
 */
export async function readTopology(path: string): Promise<Topology> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    throw new StartFailure(EXIT.configuration, `The topology ${path} cannot be read (${code}).`, { cause: error });
  }
  if (text.length > MAX_CHARACTERS) throw invalid(path, ['it is too long']);
  return parseTopology(text, path);
}
