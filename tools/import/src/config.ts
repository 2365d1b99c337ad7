import { EXIT } from '@daybook/service/exit-codes';
import { ImportFailure } from './import-failure.ts';

/** The variables of `npm start`, and `DAYBOOK_TOKEN` with the access token of an administrator of another machine. */
export const environment: Readonly<Record<string, string | undefined>> = process.env;

/**
 * Returns the URL of this machine's Daybook, from the variables of `npm start`.
 * @throws ImportFailure 78
 */
export function defaultUrl(given = environment): string {
  const host = given.DAYBOOK_HOST || '127.0.0.1';
  const port = given.DAYBOOK_PORT || '8080';
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  if (!URL.canParse(url)) {
    throw new ImportFailure(EXIT.configuration, 'Wrong configuration: DAYBOOK_HOST and DAYBOOK_PORT make no address.');
  }
  return url;
}
