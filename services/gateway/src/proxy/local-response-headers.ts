import { BROWSER_HEADERS, flatHeaders, SAFE_HEADERS } from '@daybook/service';

/** The security headers of the gateway's own responses, as a flat list of names and values. Services set their own. */
export const LOCAL_RESPONSE_HEADERS = flatHeaders({ ...SAFE_HEADERS, ...BROWSER_HEADERS });
