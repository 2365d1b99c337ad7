import { describe, expect, it } from 'vitest';
import { createEventParser } from './event-parser.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const parse = (...chunks: string[]) => {
  const parser = createEventParser();
  return chunks.flatMap((chunk) => parser.feed(bytes(chunk)));
};

describe('an event', () => {
  it('ends with an empty line', () => {
    expect(parse('event: a\ndata: 1\n')).toEqual([]);
    expect(parse('event: a\ndata: 1\n\nevent: b\ndata: 2\n\n')).toEqual([
      { name: 'a', data: '1' },
      { name: 'b', data: '2' },
    ]);
  });

  it('may come in pieces, even within a character', () => {
    const parser = createEventParser();
    const events = [...bytes('event: ä\ndata: {"x":"ü"}\n\n')].flatMap((byte) => parser.feed(Uint8Array.of(byte)));
    expect(events).toEqual([{ name: 'ä', data: '{"x":"ü"}' }]);
  });

  it('may have several lines of data, other fields and comments', () => {
    expect(parse(': hello\r\nid: 7\r\nevent:a\r\ndata: 1\r\ndata:2\r\nretry: 9\r\n\r\n')).toEqual([
      { name: 'a', data: '1\n2' },
    ]);
  });

  it('does not exist without data', () => {
    expect(parse('event: a\n\n', ':\n\n', '\n\n\n')).toEqual([]);
    expect(parse('event: a\n\ndata: 1\n\n')).toEqual([{ name: '', data: '1' }]);
  });
});

describe('an event that is too long', () => {
  it.each([
    ['in one line', ['data: ', ...Array<string>(300).fill('x'.repeat(1024))]],
    ['in many lines', Array<string>(300).fill(`data: ${'x'.repeat(1024)}\n`)],
    ['in many empty lines', Array<string>(300).fill('data:\n'.repeat(1024))],
  ])('%s is refused', (_how, chunks) => {
    expect(() => parse(...chunks)).toThrow('too long');
  });

  it('is not what many that are short are', () => {
    expect(parse(...Array<string>(300).fill(`data: ${'x'.repeat(1024)}\n\n`))).toHaveLength(300);
  });

  it('is not what a day of comments is', () => {
    expect(parse(...Array<string>(10_000).fill(`: ${'x'.repeat(100)}\n`), 'data: 1\n\n')).toHaveLength(1);
  });
});
