/** Manages the other registries that hold the same list. */
import type { Logger } from '@daybook/service';
import type { Registration } from '../domain/instance.ts';
import type { PendingChange } from '../domain/replication.ts';
import { createPeer, type PeerOptions } from './peer.ts';
import { createPeerConnection, PeerError } from './peer-connection.ts';

export interface Peers {
  replicate(change: PendingChange): void;
  /** Fetches the list of the first peer that has one, before this registry accepts requests. Ends in bounded time. */
  fetchList(): Promise<readonly Registration[]>;
  close(): Promise<void>;
}

export interface PeersOptions extends Pick<PeerOptions, 'entryOf' | 'registerNewer' | 'firstRetryMillis'> {
  urls: readonly string[];
  logger: Logger;
}

/** For all peers together. The first registry to start finds none, and must start nevertheless. */
const FETCH_DEADLINE_MILLIS = 5_000;

export function createPeers({ urls, logger, ...options }: PeersOptions): Peers {
  const connections = urls.map(createPeerConnection);
  const peers = connections.map((connection) => createPeer({ ...options, connection, logger }));
  return {
    replicate(change) {
      for (const peer of peers) peer.replicate(change);
    },

    async fetchList() {
      const deadline = AbortSignal.timeout(FETCH_DEADLINE_MILLIS);
      for (const connection of connections) {
        const peer = connection.origin;
        try {
          const instances = await connection.fetchAll(deadline);
          logger.info({ peer, instances: instances.length }, 'peer list fetched');
          if (instances.length > 0) return instances;
        } catch (error) {
          if (!(error instanceof PeerError)) throw error;
          logger.warn({ peer, reason: error.message }, 'peer list not fetched');
        }
      }
      return [];
    },

    async close() {
      await Promise.all(peers.map((peer) => peer.close()));
    },
  };
}

/** Returns whether a URL is this registry's own, because all registries often get the same list of peers. */
export function isOwnUrl(url: string, hosts: readonly string[], port: number): boolean {
  const { hostname, port: given, protocol } = new URL(url);
  const effective = given === '' ? (protocol === 'https:' ? 443 : 80) : Number(given);
  return effective === port && hosts.includes(hostname.replace(/^\[|\]$/g, ''));
}
