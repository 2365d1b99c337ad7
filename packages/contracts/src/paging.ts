import { type TSchema, Type } from 'typebox';

export const DEFAULT_LIMIT = 20;
export const MAX_LIMIT = 100;

/** The query parameters of every list. */
export const paging = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT })),
  cursor: Type.Optional(
    Type.String({ maxLength: 512, description: 'The nextCursor of the page before; opaque: do not take it apart' }),
  ),
};

/** The schema of a page, the response of every list. */
export const Page = <Item extends TSchema>(item: Item, title: string) =>
  Type.Object({ items: Type.Array(item), nextCursor: Type.Optional(Type.String()) }, { title });

export interface PageOf<Item> {
  items: Item[];
  nextCursor?: string;
}
