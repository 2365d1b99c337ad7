import { type OutgoingHttpHeader, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { guarded } from '@daybook/service';
import type { ClientResponse, ResponseOwner } from '../client-exchange.ts';

/** A string up to this size is sent together with the head. Copying a larger one costs more than it saves. */
const SINGLE_WRITE_BYTES = 16 * 1024;
const LAST_CHUNK = '0\r\n\r\n';

/** The connection that carries a response. */
export interface ResponseConnection {
  readonly socket: Socket;
  /** The header lines that keep the connection alive, with its timeout. */
  readonly keepAliveLines: string;
  /** Called when the response is complete, or never will be. */
  onResponseEnd(shouldKeepAlive: boolean): void;
}

/** Writes a response of the fast path as node:http would. Sends the head and the body in one write where possible. */
export class FastPathResponse implements ClientResponse {
  readonly #connection: ResponseConnection;
  readonly #socket: Socket;
  readonly #isHeadRequest: boolean;
  #owner: ResponseOwner | undefined;
  /** Empty once sent. */
  #head = '';
  #hasBody = true;
  #isChunked = false;
  #shouldKeepAlive = true;
  #isFinished = false;
  #hasEnded = false;
  status: number | undefined;
  readonly isDue = true;
  isSent = false;

  constructor(connection: ResponseConnection, method: string) {
    this.#connection = connection;
    this.#socket = connection.socket;
    this.#isHeadRequest = method === 'HEAD';
  }

  setOwner(owner: ResponseOwner): void {
    this.#owner = owner;
  }

  writeHead(status: number, headers: OutgoingHttpHeader[]): void {
    this.status = status;
    let lines = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'unknown'}\r\n`;
    let [hasLength, hasDate] = [false, false];
    for (let index = 0; index < headers.length; index += 2) {
      const name = headers[index];
      if (name === 'content-length') hasLength = true;
      else if (name === 'date') hasDate = true;
      else if (name === 'connection') this.#shouldKeepAlive = false;
      lines += headerLines(String(name), headers[index + 1]);
    }
    if (!hasDate) lines += `Date: ${new Date().toUTCString()}\r\n`;
    if (this.#shouldKeepAlive) lines += this.#connection.keepAliveLines;
    this.#hasBody = !this.#isHeadRequest && status !== 204 && status !== 304;
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
    const hasCapacity = this.#writeChunk(bytes, sent);
    this.#socket.uncork();
    return hasCapacity;
  }

  #writeChunk(bytes: Buffer, sent?: () => void): boolean {
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
    if (this.#hasEnded || this.#isFinished) return;
    this.#hasEnded = true;
    if (this.#hasBody && last && last.length > SINGLE_WRITE_BYTES) this.#endLarge(last);
    else this.#endSmall(last);
    // Usually the system accepts all bytes immediately, so that there is nothing to wait for.
    if (this.#socket.writableLength === 0) this.#sent();
    else this.#waitForSocket();
  }

  #waitForSocket(): void {
    const done = (error?: Error | null) => (error ? undefined : this.#sent());
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
    this.#writeChunk(Buffer.from(last));
    if (this.#isChunked) this.#socket.write(LAST_CHUNK, 'latin1');
    this.#socket.uncork();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  closeConnection(): void {
    this.#socket.destroySoon();
  }

  /** Called when the client can receive more. */
  onDrain(): void {
    this.#owner?.onResponseDrained();
  }

  /** Called when the connection is closed. */
  onClose(): void {
    this.#finish();
  }

  #sent(): void {
    if (this.#isFinished) return;
    this.isSent = !this.#socket.destroyed;
    this.#finish();
  }

  #finish(): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.#owner?.onResponseClosed();
    this.#connection.onResponseEnd(this.#shouldKeepAlive);
  }
}

function headerLines(name: string, value: OutgoingHttpHeader | undefined): string {
  if (!Array.isArray(value)) return `${name}: ${value}\r\n`;
  return value.map((one) => `${name}: ${one}\r\n`).join('');
}
