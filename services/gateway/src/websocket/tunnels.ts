/** Connections of which both sides are passed on to each other, unread, until one of them ends. */
import type { Socket } from 'node:net';
import { guarded, ignoreError } from '@daybook/service';
import { CLIENT_LIMITS } from '../resilience/client-limits.ts';
import { IDLE_STREAM_MILLIS } from '../routes/timeouts.ts';

/** For the other side to take what is left and to close, once one side has. */
const LINGER_MILLIS = 1_000;

export interface TunnelOptions {
  maxTunnels?: number;
  idleMillis?: number;
}

export class Tunnels {
  readonly #maxTunnels: number;
  readonly #idleMillis: number;
  readonly #open = new Set<() => void>();

  constructor({ maxTunnels = CLIENT_LIMITS.tunnels.total, idleMillis = IDLE_STREAM_MILLIS }: TunnelOptions = {}) {
    this.#maxTunnels = maxTunnels;
    this.#idleMillis = idleMillis;
  }

  get isFull(): boolean {
    return this.#open.size >= this.#maxTunnels;
  }

  /** Resolves when both sides are closed. What one side has sent before it closed still reaches the other. */
  open(client: Socket, instance: Socket): Promise<void> {
    const sides = [client, instance];
    const closed = Promise.withResolvers<void>();
    let lingerTimer: NodeJS.Timeout | undefined;

    const end = () => {
      for (const side of sides) side.destroySoon();
      lingerTimer ??= setTimeout(() => {
        for (const side of sides) side.destroy();
      }, LINGER_MILLIS);
    };
    const onClose = () => {
      end();
      if (!sides.every((side) => side.closed)) return;
      clearTimeout(lingerTimer);
      this.#open.delete(end);
      closed.resolve();
    };

    this.#open.add(end);
    for (const side of sides) {
      // A close follows.
      side.on('error', ignoreError).once('close', guarded(side, onClose));
      side.once('end', guarded(side, end));
      // Every byte passes both: either of them knows when there was none.
      side.setTimeout(this.#idleMillis, guarded(side, end));
    }
    client.pipe(instance);
    instance.pipe(client);
    return closed.promise;
  }

  /** Ends all that are open. */
  closeAll(): void {
    for (const end of this.#open) end();
  }
}
