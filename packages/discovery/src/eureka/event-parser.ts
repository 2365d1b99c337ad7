/** A parser for server-sent events as Daybook's registry writes them. Lines end with a line feed. */
export interface ServerSentEvent {
  readonly name: string;
  readonly data: string;
}

export interface EventParser {
  /**
   * Returns the events that these bytes complete.
   * @throws EventTooLong
   */
  feed(bytes: Uint8Array): ServerSentEvent[];
}

export class EventTooLong extends Error {
  override readonly name = 'EventTooLong';
}

/** The largest registration has 64 KiB; its event is slightly larger. */
const MAX_EVENT_LENGTH = 256 * 1024;

export function createEventParser(): EventParser {
  const decoder = new TextDecoder();
  let line = '';
  let name = '';
  let data: string[] = [];
  let length = 0;

  function lengthen(by: number): void {
    length += by;
    if (length > MAX_EVENT_LENGTH) throw new EventTooLong('an event is too long');
  }

  /** Returns the event that an empty line ends, if it has data. */
  function end(): ServerSentEvent | undefined {
    const event = data.length > 0 ? { name, data: data.join('\n') } : undefined;
    name = '';
    data = [];
    length = 0;
    return event;
  }

  function readLine(text: string): void {
    const [, field, value = ''] = /^(\w*)(?:: ?(.*))?$/s.exec(text) ?? [];
    if (field === 'event') name = value;
    else if (field === 'data') data.push(value);
    // Comments do not count, otherwise an hour of them would exceed the limit.
    else length -= text.length;
  }

  return {
    feed(bytes) {
      const events: ServerSentEvent[] = [];
      const [first = '', ...others] = decoder.decode(bytes, { stream: true }).split('\n');
      lengthen(first.length);
      line += first;
      for (const next of others) {
        const complete = line.endsWith('\r') ? line.slice(0, -1) : line;
        line = next;
        if (complete !== '') readLine(complete);
        else events.push(...[end()].filter((event) => event !== undefined));
        lengthen(next.length);
      }
      return events;
    },
  };
}
