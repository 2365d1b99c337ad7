/** Forwards WebSockets to the instances of the services. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { ExchangeDependencies } from '../proxy/exchange-dependencies.ts';
import type { CompiledRoute } from '../routes/compiler.ts';
import { type TunnelOptions, Tunnels } from './tunnels.ts';
import { Upgrade } from './upgrade.ts';

export interface WebSocketProxy {
  /** Upgrades to a WebSocket; `head` holds the bytes after the handshake. */
  upgrade(route: CompiledRoute, request: IncomingMessage, client: Socket, head: Buffer): void;
  /** Ends all open tunnels now. */
  disconnectClients(): void;
}

/** Creates the proxy. `dependencies` are those of the reverse proxy, because both share its instances and limits. */
export function createWebSocketProxy(dependencies: ExchangeDependencies, options?: TunnelOptions): WebSocketProxy {
  const tunnels = new Tunnels(options);
  const upgradeDependencies = { ...dependencies, tunnels };
  return {
    upgrade(route, request, client, head) {
      const upgrade = new Upgrade(upgradeDependencies, route, request, client, head);
      dependencies.countActive();
      upgrade.begin();
    },
    disconnectClients: () => tunnels.closeAll(),
  };
}
