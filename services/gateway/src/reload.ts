/** Watches the file of routes, and puts what is in it into force. */
import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';
import { type Logger, StartFailure } from '@daybook/service';
import type { ReplaceableRoutes } from './live-routes.ts';
import { readRoutesText } from './routes.ts';

/** An editor writes in several steps. */
const SETTLE_MILLIS = 50;
/** For file systems that tell nothing: network shares, some containers. */
const POLL_MILLIS = 10_000;

export interface ReloadOptions {
  file: string;
  routes: ReplaceableRoutes;
  logger: Pick<Logger, 'info' | 'warn' | 'error'>;
  settleMillis?: number;
  pollMillis?: number;
}

export interface Reload extends Disposable {
  /** Looks at once. */
  now(): Promise<void>;
}

/**
 * The folder is watched, not the file: a file that is renamed into its place, or a link that is turned (which is how
 * Kubernetes changes a ConfigMap), is another file under the same name.
 */
export function reloadOnChange({
  file,
  routes,
  logger,
  settleMillis = SETTLE_MILLIS,
  pollMillis = POLL_MILLIS,
}: ReloadOptions): Reload {
  let settling: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let closed = false;

  async function look(): Promise<void> {
    try {
      const text = await readRoutesText(file);
      if (!closed) tell(routes.replace(text));
    } catch (error) {
      const reason = error instanceof StartFailure ? error.message : undefined;
      if (reason === undefined)
        logger.error({ err: error }, 'the routes could not be loaded; those before stay in force');
      else if (routes.fail(reason)) tell('refused');
    }
  }

  function tell(result: ReturnType<ReplaceableRoutes['replace']>): void {
    const { current, failure } = routes;
    if (result === 'replaced') {
      logger.info({ version: current.version, routes: current.routes.length }, 'the routes were loaded');
    } else if (result === 'refused') {
      logger.error(
        { version: current.version, reason: failure?.reason },
        'the routes were not loaded; those before stay in force',
      );
    }
  }

  /** One look after the other. */
  async function now(): Promise<void> {
    await running;
    running ??= look().finally(() => {
      running = undefined;
    });
    await running;
  }

  function soon(): void {
    clearTimeout(settling);
    settling = setTimeout(() => void now(), settleMillis).unref();
  }

  const watcher = watchFolder(file, soon, logger);
  const polling = setInterval(() => void now(), pollMillis).unref();
  return {
    now,
    [Symbol.dispose]() {
      closed = true;
      watcher?.close();
      clearInterval(polling);
      clearTimeout(settling);
    },
  };
}

/** Undefined where the system has no more watches to give: there is the poll. */
function watchFolder(file: string, changed: () => void, logger: Pick<Logger, 'warn'>): FSWatcher | undefined {
  const without = (error: unknown) =>
    logger.warn({ err: error }, 'the folder of the routes cannot be watched; the file is looked at now and then');
  try {
    const watcher = watch(dirname(file), { persistent: false }, changed);
    watcher.on('error', without);
    return watcher;
  } catch (error) {
    without(error);
    return undefined;
  }
}
