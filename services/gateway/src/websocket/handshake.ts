/** The handshake of a WebSocket (RFC 6455, 4): what has to be right before bytes are passed on unread. */
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

const KEY = /^[+/0-9A-Za-z]{22}==$/;
const VERSION = '13';
/** Of the protocol: it makes an answer one that only a WebSocket server gives. */
const HANDSHAKE_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

const hasToken = (header: string | undefined, name: string): boolean =>
  header?.split(',').some((part) => part.trim().toLowerCase() === name) === true;

/** Whether a request asks for a WebSocket, rightly or not. Another upgrade is none of ours: the request is as any other. */
export const isWebSocketUpgrade = ({ headers }: IncomingMessage): boolean =>
  hasToken(headers.upgrade, 'websocket') && hasToken(headers.connection, 'upgrade');

export const isHandshake = ({ method, httpVersion, headers }: IncomingMessage): boolean =>
  method === 'GET' &&
  httpVersion === '1.1' &&
  headers['sec-websocket-version'] === VERSION &&
  KEY.test(headers['sec-websocket-key'] ?? '');

/** Whether it is the answer to this key, and not one that was meant for something else. */
export function isAccepted(key: string, headers: IncomingHttpHeaders): boolean {
  const accept = createHash('sha1').update(`${key}${HANDSHAKE_GUID}`).digest('base64');
  return (
    headers['sec-websocket-accept'] === accept &&
    hasToken(headers.upgrade, 'websocket') &&
    hasToken(headers.connection, 'upgrade')
  );
}
