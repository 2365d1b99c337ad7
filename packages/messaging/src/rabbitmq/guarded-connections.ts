/**
 * Keeps a malformed frame from ending the process. amqplib parses what arrived with the broker's `open-ok` before it
 * gives the new connection to its caller. A malformed frame in there emits an 'error' that no caller can listen to yet,
 * and Node ends a process on an 'error' without a listener. So each connection gets a listener before amqplib reads it.
 */
import type { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

type ReadFrames = (this: EventEmitter) => void;

interface Internals {
  readonly Connection: { readonly prototype: { acceptLoop: ReadFrames } };
}

function isInternals(value: unknown): value is Internals {
  if (typeof value !== 'object' || value === null || !('Connection' in value)) return false;
  const { Connection } = value;
  return typeof Connection === 'function' && typeof Connection.prototype?.acceptLoop === 'function';
}

const ignore = (): void => undefined;
let isGuarded = false;

/**
 * Guards all connections that amqplib opens from now on. A connection that broke this way is closed already when the
 * caller receives it, so the caller's first use of it fails.
 * @throws Error when amqplib has other internals than those of 2.3
 */
export function guardConnections(): void {
  if (isGuarded) return;
  const require = createRequire(import.meta.url);
  const internals: unknown = require(join(dirname(require.resolve('amqplib')), 'lib/connection.js'));
  if (!isInternals(internals)) throw new Error('amqplib does not read frames in Connection.acceptLoop any more');
  const { prototype } = internals.Connection;
  const readFrames = prototype.acceptLoop;
  prototype.acceptLoop = function (this: EventEmitter) {
    this.on('error', ignore);
    readFrames.call(this);
  };
  isGuarded = true;
}
