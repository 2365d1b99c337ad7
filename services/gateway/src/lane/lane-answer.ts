import { type OutgoingHttpHeader, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { guarded } from '@daybook/service';
import type { AnswerOwner, ClientAnswer } from '../client.ts';

/** One string goes out together with the head; a large one would be copied for nothing. */
const AT_ONCE_BYTES = 16 * 1024;
const LAST_CHUNK = '0\r\n\r\n';

/** The connection that an answer goes out on. */
export interface AnswerPlace {
  readonly socket: Socket;
  /** What says that the connection is kept, and for how long. */
  readonly keptLines: string;
  /** All of an answer went out, or never will. */
  onAnswerOver(isKept: boolean): void;
}

/** An answer that the fast lane writes, as node:http would: its head and its body at once where that can be. */
export class LaneAnswer implements ClientAnswer {
  readonly #place: AnswerPlace;
  readonly #socket: Socket;
  readonly #isHead: boolean;
  #owner: AnswerOwner | undefined;
  /** As long as it was not sent. */
  #head = '';
  #hasBody = true;
  #isChunked = false;
  #isKept = true;
  #isOver = false;
  #hasEnded = false;
  status: number | undefined;
  readonly isDue = true;
  isSent = false;

  constructor(place: AnswerPlace, method: string) {
    this.#place = place;
    this.#socket = place.socket;
    this.#isHead = method === 'HEAD';
  }

  watch(owner: AnswerOwner): void {
    this.#owner = owner;
  }

  begin(status: number, headers: OutgoingHttpHeader[]): void {
    this.status = status;
    let lines = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'unknown'}\r\n`;
    let [hasLength, hasDate] = [false, false];
    for (let index = 0; index < headers.length; index += 2) {
      const name = headers[index];
      if (name === 'content-length') hasLength = true;
      else if (name === 'date') hasDate = true;
      else if (name === 'connection') this.#isKept = false;
      lines += linesOf(String(name), headers[index + 1]);
    }
    if (!hasDate) lines += `Date: ${new Date().toUTCString()}\r\n`;
    if (this.#isKept) lines += this.#place.keptLines;
    this.#hasBody = !this.#isHead && status !== 204 && status !== 304;
    this.#isChunked = this.#hasBody && !hasLength;
    if (this.#isChunked) lines += 'Transfer-Encoding: chunked\r\n';
    this.#head = `${lines}\r\n`;
  }

  write(bytes: Buffer, sent: () => void): boolean {
    if (!this.#hasBody) {
      sent();
      return true;
    }
    this.#socket.cork();
    const takesMore = this.#writePiece(bytes, sent);
    this.#socket.uncork();
    return takesMore;
  }

  #writePiece(bytes: Buffer, sent?: () => void): boolean {
    this.flush();
    if (!this.#isChunked) return this.#socket.write(bytes, sent);
    this.#socket.write(`${bytes.length.toString(16)}\r\n`, 'latin1');
    this.#socket.write(bytes, sent);
    return this.#socket.write('\r\n', 'latin1');
  }

  flush(): void {
    if (this.#head === '') return;
    this.#socket.write(this.#head, 'latin1');
    this.#head = '';
  }

  end(last?: Buffer): void {
    if (this.#hasEnded || this.#isOver) return;
    this.#hasEnded = true;
    if (this.#hasBody && last && last.length > AT_ONCE_BYTES) this.#endLarge(last);
    else this.#endSmall(last);
    // Mostly the system takes it at once, and there is nothing to wait for.
    if (this.#socket.writableLength === 0) this.#out();
    else this.#waitForSocket();
  }

  #waitForSocket(): void {
    const done = (error?: Error | null) => (error ? undefined : this.#out());
    this.#socket.write('', 'latin1', guarded(this.#socket, done));
  }

  #endSmall(last: Buffer | undefined): void {
    let text = this.#head;
    this.#head = '';
    if (this.#hasBody) {
      const body = last?.toString('latin1') ?? '';
      if (this.#isChunked && body !== '') text += `${body.length.toString(16)}\r\n${body}\r\n`;
      else text += body;
      if (this.#isChunked) text += LAST_CHUNK;
    }
    if (text !== '') this.#socket.write(text, 'latin1');
  }

  #endLarge(last: Buffer): void {
    this.#socket.cork();
    this.#writePiece(Buffer.from(last));
    if (this.#isChunked) this.#socket.write(LAST_CHUNK, 'latin1');
    this.#socket.uncork();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  sendAway(): void {
    this.#socket.destroySoon();
  }

  /** The client takes more. */
  drained(): void {
    this.#owner?.onAnswerDrained();
  }

  /** The connection is gone. */
  closed(): void {
    this.#over();
  }

  #out(): void {
    if (this.#isOver) return;
    this.isSent = !this.#socket.destroyed;
    this.#over();
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#owner?.onAnswerClosed();
    this.#place.onAnswerOver(this.#isKept);
  }
}

function linesOf(name: string, value: OutgoingHttpHeader | undefined): string {
  if (!Array.isArray(value)) return `${name}: ${value}\r\n`;
  return value.map((one) => `${name}: ${one}\r\n`).join('');
}
