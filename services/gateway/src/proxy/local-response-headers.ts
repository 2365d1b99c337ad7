import { BROWSER_HEADERS, flatHeaders, SAFE_HEADERS } from '@daybook/service';

/** The safe headers of the gateway's own responses, as a flat list of names and values. Services set theirs themselves. */
export const LOCAL_RESPONSE_HEADERS = flatHeaders({ ...SAFE_HEADERS, ...BROWSER_HEADERS });
