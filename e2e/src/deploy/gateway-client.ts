/** Sends requests to one of several gateways, and to another one after a connection failure. */

const TIMEOUT_MILLIS = 30_000;

export interface GatewayClient {
  /** Replaces the gateways. */
  setGateways(urls: readonly string[]): void;
  /** Sends a request that may be repeated: a GET, or a POST with a key. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

/** @param token returns the bearer token of all requests */
export function createGatewayClient(token: () => Promise<string>): GatewayClient {
  let gateways: readonly string[] = [];
  let next = 0;
  return {
    setGateways(urls) {
      gateways = urls;
    },
    async fetch(path, init) {
      next += 1;
      const headers = new Headers(init?.headers);
      headers.set('authorization', `Bearer ${await token()}`);
      const order = gateways.map((_, index) => gateways[(next + index) % gateways.length]);
      const failures: unknown[] = [];
      for (const url of order) {
        try {
          return await fetch(`${url}${path}`, { ...init, headers, signal: AbortSignal.timeout(TIMEOUT_MILLIS) });
        } catch (error) {
          failures.push(error);
        }
      }
      throw new AggregateError(failures, `no gateway of ${order.length} could be reached`);
    },
  };
}
