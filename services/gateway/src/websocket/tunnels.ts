/** Forwards both sides of a connection to each other, unread, until one of them ends. */
import type { Socket } from 'node:net';
import { guarded, ignoreError } from '@daybook/service';
import { CLIENT_LIMITS } from '../resilience/client-limits.ts';
import { IDLE_STREAM_MILLIS } from '../routes/timeouts.ts';

/** How long the other side may receive the rest and close after one side has closed. */
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

  /** Resolves when both sides are closed. The bytes that one side sent before it closed still reach the other. */
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
      // Every byte passes both sockets, so the timeout of either reports an idle tunnel.
      side.setTimeout(this.#idleMillis, guarded(side, end));
    }
    client.pipe(instance);
    instance.pipe(client);
    return closed.promise;
  }

  /** Ends all open tunnels. */
  closeAll(): void {
    for (const end of this.#open) end();
  }
}
