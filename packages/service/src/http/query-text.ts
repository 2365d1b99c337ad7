/** Checks the text of a query: RFC 3986 in UTF-8. A query that cannot be decoded would search for different text. */
import { Refusal } from '@daybook/contracts';

const isDecodable = (query: string): boolean => {
  try {
    decodeURIComponent(query);
    return true;
  } catch (error) {
    if (error instanceof URIError) return false;
    throw error;
  }
};

/** Node's parser passes bytes beyond ASCII through, but a URI has none. */
const ASCII = /^[\x21-\x7e]*$/;

/** @throws Refusal `invalid-request` when the query of a request target is not percent-encoded UTF-8 */
export function checkQueryText(url: string): void {
  const start = url.indexOf('?');
  if (start < 0) return;
  const query = url.slice(start + 1);
  if (ASCII.test(query) && (!query.includes('%') || isDecodable(query))) return;
  throw new Refusal('invalid-request', 'The query is not valid. Send it as percent-encoded UTF-8.');
}
