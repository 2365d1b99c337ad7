/** Whose turn it is, by a named lock of the server. It is the lock of one connection, and free when that ends. */
import type { Connection } from 'mysql2';
import { connect, getLock, SESSIONS, STATEMENT_MILLIS } from './mysql-connections.ts';
import { send } from './mysql-driver.ts';
import type { MysqlAddress } from './mysql-url.ts';
import type { Turn } from './turn.ts';

/** A server that hears nothing for so long ends the connection: its process may be gone without a word. */
const SILENCE_SECONDS = 30;
const ASK_EVERY_MILLIS = 5000;

export function createMysqlTurn(address: MysqlAddress, name: string): Turn {
  let connection: Connection | undefined;
  let isMine = false;
  let askedAt = 0;

  function drop(): void {
    connection?.destroy();
    connection = undefined;
    isMine = false;
  }

  async function ask(): Promise<void> {
    if (!connection) {
      const made = await connect(address, `${SESSIONS.read}, wait_timeout = ${SILENCE_SECONDS}`);
      const gone = () => {
        if (connection === made) drop();
      };
      made.on('error', gone);
      made.on('end', gone);
      connection = made;
    }
    // Each success of the same connection has to be undone once, so it asks for the lock only while it lacks it.
    isMine = await getLock(connection, name, 0);
    askedAt = performance.now();
  }

  return {
    async take() {
      const isFresh = performance.now() - askedAt < ASK_EVERY_MILLIS;
      if (connection && isMine && isFresh) return true;
      try {
        if (connection && isMine) {
          await send(connection, 'select 1', [], STATEMENT_MILLIS);
          askedAt = performance.now();
        } else await ask();
        return isMine;
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
