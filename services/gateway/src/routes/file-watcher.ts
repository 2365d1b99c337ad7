/** Watches the file of routes and applies its changes. */
import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';
import { type Logger, StartFailure } from '@daybook/service';
import { readRoutesText } from './definition.ts';
import type { MutableRouteStore } from './route-store.ts';

/** An editor writes in several steps. */
const SETTLE_MILLIS = 50;
/** For file systems without change events: network shares and some containers. */
const POLL_MILLIS = 10_000;

export interface FileWatcherOptions {
  file: string;
  routes: MutableRouteStore;
  logger: Pick<Logger, 'info' | 'warn' | 'error'>;
  settleMillis?: number;
  pollMillis?: number;
}

export interface FileWatcher extends Disposable {
  /** Checks immediately. */
  check(): Promise<void>;
}

/**
 * Watches the folder, not the file. A renamed file or a changed link is another file under the same name. Kubernetes
 * changes a ConfigMap by such a link.
 */
export function watchRoutesFile({
  file,
  routes,
  logger,
  settleMillis = SETTLE_MILLIS,
  pollMillis = POLL_MILLIS,
}: FileWatcherOptions): FileWatcher {
  let settleTimer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let closed = false;

  async function load(): Promise<void> {
    try {
      const text = await readRoutesText(file);
      if (!closed) report(routes.replace(text));
    } catch (error) {
      const reason = error instanceof StartFailure ? error.message : undefined;
      if (reason === undefined) logger.error({ err: error }, 'routes not loaded, previous routes kept');
      else if (routes.fail(reason)) report('refused');
    }
  }

  function report(result: ReturnType<MutableRouteStore['replace']>): void {
    const { current, failure } = routes;
    if (result === 'replaced') {
      logger.info({ version: current.version, routes: current.routes.length }, 'routes loaded');
    } else if (result === 'refused') {
      logger.error({ version: current.version, reason: failure?.reason }, 'routes rejected, previous routes kept');
    }
  }

  /** Runs checks one after the other. */
  async function check(): Promise<void> {
    await running;
    running ??= load().finally(() => {
      running = undefined;
    });
    await running;
  }

  function checkSoon(): void {
    clearTimeout(settleTimer);
    settleTimer = setTimeout(() => void check(), settleMillis).unref();
  }

  const watcher = watchFolder(file, checkSoon, logger);
  const pollTimer = setInterval(() => void check(), pollMillis).unref();
  return {
    check,
    [Symbol.dispose]() {
      closed = true;
      watcher?.close();
      clearInterval(pollTimer);
      clearTimeout(settleTimer);
    },
  };
}

/** Returns undefined where the system is out of watches. The poll still works. */
function watchFolder(file: string, onChange: () => void, logger: Pick<Logger, 'warn'>): FSWatcher | undefined {
  const onWatchError = (error: unknown) =>
    logger.warn({ err: error }, 'routes folder not watched, file polled instead');
  try {
    const watcher = watch(dirname(file), { persistent: false }, onChange);
    watcher.on('error', onWatchError);
    return watcher;
  } catch (error) {
    onWatchError(error);
    return undefined;
  }
}
