/**
 * Placeholders in a generated request, which are replaced when it is sent.
 * They stand for existing ids, the present time, and text that is too long for a failure message.
 */
import { halfHour } from '@daybook/testing';

/** A part of every name and reason in a request. No log may contain it. */
export const MARKER = 'Zyxwvu';

const written = (kind: string, argument: string | number): string => `⟦${kind} ${argument}⟧`;

export const mark = {
  /** The id of an existing resource of a kind (`patient`), or of any. */
  id: (kind: string, index: number) => written('id', `${kind}:${index}`),
  /** The n-th half hour from tomorrow on. */
  time: (n: number) => written('time', n),
  /** A word that no earlier request contained. */
  fresh: () => written('fresh', ''),
  bytes: (hex: string) => written('bytes', hex),
  nest: (depth: number) => written('nest', depth),
  list: (length: number) => written('list', length),
  long: (length: number) => written('long', length),
  /** Spaces up to a total length. */
  fill: (length: number) => written('fill', length),
};

/** Returns an id of a kind. */
export type IdOf = (kind: string, index: number) => string;

let fresh = 0;

function fillIn(kind: string, argument: string, idOf: IdOf): Buffer {
  const count = Number(argument);
  if (kind === 'time') return Buffer.from(halfHour(count));
  if (kind === 'bytes') return Buffer.from(argument, 'hex');
  if (kind === 'nest') return Buffer.from('['.repeat(count) + ']'.repeat(count));
  if (kind === 'list') return Buffer.from(Array.from({ length: count }, (_, index) => index).join(','));
  if (kind === 'long') return Buffer.from(MARKER.repeat(Math.ceil(count / MARKER.length)));
  if (kind === 'fresh') {
    fresh += 1;
    return Buffer.from(`fresh-${fresh}`);
  }
  const [name = '', index = ''] = argument.split(':');
  return Buffer.from(idOf(name, Number(index)));
}

/** Returns the bytes of a text with placeholders. */
export function resolve(text: string, idOf: IdOf): Buffer {
  const [first = '', ...others] = text.split('⟦');
  const parts: Buffer[] = [Buffer.from(first)];
  let fill: { at: number; length: number } | undefined;
  for (const part of others) {
    const [inside = '', after = ''] = part.split('⟧');
    const [kind = '', argument = ''] = inside.split(' ');
    if (kind === 'fill') fill = { at: parts.length, length: Number(argument) };
    else parts.push(fillIn(kind, argument, idOf));
    parts.push(Buffer.from(after));
  }
  if (fill) {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    parts.splice(fill.at, 0, Buffer.alloc(Math.max(0, fill.length - length), ' '));
  }
  return Buffer.concat(parts);
}
