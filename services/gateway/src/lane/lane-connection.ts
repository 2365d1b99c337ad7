import type { Socket } from 'node:net';
import { guarded, ignoreError } from '@daybook/service';
import { type AnswerPlace, LaneAnswer } from './lane-answer.ts';
import { LONGEST_PLAIN_HEAD, type PlainHeaders, type PlainRequest, readPlainRequest } from './plain-request.ts';

/** Whoever has the connections of the lane. */
export interface LaneOwner {
  readonly keptLines: string;
  /** Has a request answered; false when it is not for the lane. */
  take(request: PlainRequest, answer: LaneAnswer): boolean;
  /** It goes on elsewhere; what is to be read there first was put back. */
  onHandedOver(connection: LaneConnection): void;
  onClosed(connection: LaneConnection): void;
}

/** A connection of a client, for as long as there is nothing on it but plain requests, one after the other. */
export class LaneConnection implements AnswerPlace {
  readonly socket: Socket;
  readonly keptLines: string;
  readonly #owner: LaneOwner;
  #answer: LaneAnswer | undefined;
  /** What came before the answer to what came before it was out. */
  #held: Buffer | undefined;
  #headers: PlainHeaders | undefined;
  /** When the last answer was out; at first, when the connection came. */
  idleSince = performance.now();
  hasAnswered = false;

  constructor(owner: LaneOwner, socket: Socket) {
    this.socket = socket;
    this.#owner = owner;
    this.keptLines = owner.keptLines;
    socket
      .on('data', this.#onData)
      .on('end', this.#onEnd)
      .on('drain', this.#onDrain)
      .on('error', ignoreError)
      .on('close', this.#onClose);
  }

  get isIdle(): boolean {
    return this.#answer === undefined;
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** Reads and writes no more. */
  leave(): void {
    this.socket
      .off('data', this.#onData)
      .off('end', this.#onEnd)
      .off('drain', this.#onDrain)
      .off('error', ignoreError)
      .off('close', this.#onClose);
  }

  onAnswerOver(isKept: boolean): void {
    this.#answer = undefined;
    this.hasAnswered = true;
    this.idleSince = performance.now();
    const held = this.#held;
    this.#held = undefined;
    if (!isKept) this.socket.destroySoon();
    else if (held && this.socket.writable) this.#handOver(held);
  }

  readonly #socketOf = (): Socket => this.socket;

  readonly #onData = guarded(this.#socketOf, (chunk: Buffer): void => {
    if (this.#answer) {
      this.#held = chunk;
      this.socket.pause();
    } else if (!this.#take(chunk)) {
      this.#handOver(chunk);
    }
  });

  #take(chunk: Buffer): boolean {
    if (chunk.length > LONGEST_PLAIN_HEAD) return false;
    const request = readPlainRequest(chunk.toString('latin1'), this.socket, this.#headers);
    if (!request) return false;
    this.#headers = request.memo;
    this.#answer = new LaneAnswer(this, request.method);
    if (this.#owner.take(request, this.#answer)) return true;
    this.#answer = undefined;
    return false;
  }

  /** For good: whoever sends something else once will do so again. */
  #handOver(chunk: Buffer): void {
    this.leave();
    this.socket.pause();
    this.socket.unshift(chunk);
    this.#owner.onHandedOver(this);
    process.nextTick(() => this.socket.resume());
  }

  /** As node:http does: who does not listen any more gets no answer. */
  readonly #onEnd = guarded(this.#socketOf, (): void => {
    this.socket.destroySoon();
  });

  readonly #onDrain = guarded(this.#socketOf, (): void => {
    this.#answer?.drained();
  });

  readonly #onClose = guarded(this.#socketOf, (): void => {
    this.#answer?.closed();
    this.#owner.onClosed(this);
  });
}
