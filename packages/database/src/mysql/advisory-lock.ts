/** The lock as a named lock of the server. It belongs to one connection and is free when that connection ends. */
import type { Connection } from 'mysql2';
import type { AdvisoryLock } from '../advisory-lock.ts';
import { connect, getLock, SESSIONS, STATEMENT_MILLIS } from './connections.ts';
import { send } from './driver.ts';
import type { MysqlAddress } from './url.ts';

/** The server ends a connection that is silent for this long, because its process may have disappeared. */
const SILENCE_SECONDS = 30;
const CHECK_INTERVAL_MILLIS = 5000;

export function createMysqlAdvisoryLock(address: MysqlAddress, name: string): AdvisoryLock {
  let connection: Connection | undefined;
  let isHeld = false;
  let checkedAt = 0;

  function drop(): void {
    connection?.destroy();
    connection = undefined;
    isHeld = false;
  }

  async function acquire(): Promise<void> {
    if (!connection) {
      const opened = await connect(address, `${SESSIONS.read}, wait_timeout = ${SILENCE_SECONDS}`);
      const onClosed = () => {
        if (connection === opened) drop();
      };
      opened.on('error', onClosed);
      opened.on('end', onClosed);
      connection = opened;
    }
    // Each acquisition on a connection needs its own release, so acquire only while the lock is not held.
    isHeld = await getLock(connection, name, 0);
    checkedAt = performance.now();
  }

  return {
    async tryAcquire() {
      const isFresh = performance.now() - checkedAt < CHECK_INTERVAL_MILLIS;
      if (connection && isHeld && isFresh) return true;
      try {
        if (connection && isHeld) {
          await send(connection, 'select 1', [], STATEMENT_MILLIS);
          checkedAt = performance.now();
        } else await acquire();
        return isHeld;
      } catch (error) {
        drop();
        throw error;
      }
    },
    async close() {
      drop();
    },
  };
}
