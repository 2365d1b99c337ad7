/** Defines the headers that concern one connection, not the message (RFC 9110, 7.6.1). */

export const HOP_BY_HOP = [
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

const CONNECTION_OPTIONS = new Set([...HOP_BY_HOP, 'close', '']);

/**
 * Returns whether `Connection` names a header for the service (RFC 9110, 7.6.1). Removing that header would change what
 * the service does. Without an Idempotency-Key, for example, the service would handle a retried request twice.
 */
export function namesEndToEnd(connection: string | undefined): boolean {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return false;
  return connection.split(',').some((option) => !CONNECTION_OPTIONS.has(option.trim().toLowerCase()));
}

/** Returns the other headers that a service's `Connection` limits to one connection. */
export function connectionOptionsIn(connection: string | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return undefined;
  return new Set(connection.split(',').map((name) => name.trim().toLowerCase()));
}
