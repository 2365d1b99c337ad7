/** Checks the handshake of a WebSocket (RFC 6455, 4) before bytes are forwarded unread. */
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

const KEY = /^[+/0-9A-Za-z]{22}==$/;
const VERSION = '13';
/** A constant of the protocol. Only a WebSocket server derives a matching response from it. */
const HANDSHAKE_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

const hasToken = (header: string | undefined, name: string): boolean =>
  header?.split(',').some((part) => part.trim().toLowerCase() === name) === true;

/** Returns whether a request is for a WebSocket, valid or not. A request for another upgrade is an ordinary request. */
export const isWebSocketUpgrade = ({ headers }: IncomingMessage): boolean =>
  hasToken(headers.upgrade, 'websocket') && hasToken(headers.connection, 'upgrade');

export const isHandshake = ({ method, httpVersion, headers }: IncomingMessage): boolean =>
  method === 'GET' &&
  httpVersion === '1.1' &&
  headers['sec-websocket-version'] === VERSION &&
  KEY.test(headers['sec-websocket-key'] ?? '');

/** Returns whether the response matches this key, and thus this handshake. */
export function isAccepted(key: string, headers: IncomingHttpHeaders): boolean {
  const accept = createHash('sha1').update(`${key}${HANDSHAKE_GUID}`).digest('base64');
  return (
    headers['sec-websocket-accept'] === accept &&
    hasToken(headers.upgrade, 'websocket') &&
    hasToken(headers.connection, 'upgrade')
  );
}
