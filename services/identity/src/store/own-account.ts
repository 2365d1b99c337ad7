/** The account that a caller is restricted to. `undefined` reaches all. */
export type OwnAccount = string | undefined;
