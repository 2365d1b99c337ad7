import { parseArgs } from 'node:util';
import { EXIT } from '@daybook/service/exit-codes';
import { ImportFailure } from './import-failure.ts';

export interface Arguments {
  readonly folder: string;
  /** The URL of the gateway; undefined without the option. */
  readonly url: string | undefined;
}

const USAGE = 'Usage: npm run import -- FOLDER [--url http://127.0.0.1:8080]';

const isWebAddress = (text: string): boolean => /^https?:$/.test(URL.parse(text)?.protocol ?? '');

/**
 * Parses the arguments.
 * @throws ImportFailure 64
 */
export function parseArguments(argv: readonly string[]): Arguments {
  const { positionals, url } = split(argv);
  const [folder] = positionals;
  if (folder === undefined || folder === '' || positionals.length > 1) throw new ImportFailure(EXIT.usage, USAGE);
  if (url !== undefined && !isWebAddress(url)) {
    throw new ImportFailure(EXIT.usage, `--url is not an http address. ${USAGE}`);
  }
  return { folder, url: url?.replace(/\/+$/, '') };
}

function split(argv: readonly string[]): { positionals: string[]; url: string | undefined } {
  try {
    const { positionals, values } = parseArgs({
      args: [...argv],
      options: { url: { type: 'string' } },
      allowPositionals: true,
    });
    return { positionals, url: values.url };
  } catch (error) {
    throw new ImportFailure(EXIT.usage, USAGE, { cause: error });
  }
}
