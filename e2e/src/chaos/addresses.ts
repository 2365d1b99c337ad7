/** The addresses of the servers under test, and those of the fault proxies in front of them. */
import { type FaultProxy, openFaultProxy } from '@daybook/testing/fault-proxy';

/** Every server listens on the first host and is known by the second. There a proxy forwards to the same port. */
export const SERVERS_HOST = '127.0.0.1';
export const PROXIES_HOST = '127.0.0.2';

/** Opens the fault proxy in front of the server that listens, or will listen, on a port. */
export const openProxyBefore = (port: number): Promise<FaultProxy> =>
  openFaultProxy({ host: SERVERS_HOST, port }, { host: PROXIES_HOST, port });
