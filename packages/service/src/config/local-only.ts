/** Decides by the configuration whether only programs of this machine reach a system. */
import { InvalidConfiguration } from './read-configuration.ts';

/** The variables that decide. An unset address is loopback. */
export interface Reachability {
  readonly DAYBOOK_HOST?: string;
  readonly DAYBOOK_PUBLIC_URL?: string;
  readonly DAYBOOK_TRUSTED_PROXIES?: string;
}

const LOOPBACK = /^(?:localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|::1|\[::1\])$/;

/** Returns whether a name or an address always means this machine. */
export const isLoopbackHost = (host: string): boolean => LOOPBACK.test(host);

/** Returns whether only programs of this machine reach the system. A proxy in front brings requests of others. */
export function isLocalOnly({
  DAYBOOK_HOST = '127.0.0.1',
  DAYBOOK_PUBLIC_URL = 'http://127.0.0.1',
  DAYBOOK_TRUSTED_PROXIES,
}: Reachability): boolean {
  const publicHost = URL.parse(DAYBOOK_PUBLIC_URL)?.hostname ?? '';
  return isLoopbackHost(DAYBOOK_HOST) && isLoopbackHost(publicHost) && DAYBOOK_TRUSTED_PROXIES === undefined;
}

/** The demo was demanded for a system that others reach. Its accounts need no password. */
export const demoNotLocal = (): InvalidConfiguration =>
  new InvalidConfiguration(['DAYBOOK_DEMO=on is for a system that only this machine reaches']);
