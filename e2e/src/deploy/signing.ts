/** Signs tokens inside of a container of identity, the one place that has the database and the sealing key. */

const LIVES_SECONDS = 60 * 60;

/** A module for the Node of the container, which prints the token of an administrator. */
export const SIGN_TOKEN = `
import { openLocalTokens } from '/daybook/services/identity/src/local-tokens.ts';
await using tokens = await openLocalTokens(process.env);
console.log(await tokens.sign({ role: 'administrator' }, ${LIVES_SECONDS}));
`;
