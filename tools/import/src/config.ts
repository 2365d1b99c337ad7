import { EXIT } from '@daybook/service/exit-codes';
import { ImportFailure } from './import-failure.ts';

/**
 * Returns the URL of this machine's Daybook, from the variables of `npm start`.
 * @throws ImportFailure 78
 */
export function defaultUrl(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  const host = environment.DAYBOOK_HOST || '127.0.0.1';
  const port = environment.DAYBOOK_PORT || '8080';
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  if (!URL.canParse(url)) {
    throw new ImportFailure(EXIT.configuration, 'Wrong configuration: DAYBOOK_HOST and DAYBOOK_PORT make no address.');
  }
  return url;
}
