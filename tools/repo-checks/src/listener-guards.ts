/** Finds listeners on servers and connections that could end the process, because they run outside of the guard. */
import type { Source } from './imports.ts';

/** The events of servers, sockets, requests and responses. */
const EVENTS =
  'checkContinue|checkExpectation|clientError|close|connect|connection|data|drain|dropRequest|end|error|finish|lookup|pause|readable|ready|request|response|resume|secureConnect|secureConnection|timeout|tlsClientError|upgrade';
const LISTENS = new RegExp(
  `([\\w#.)]*)\\s*\\.(?:on|once|addListener|prependListener|prependOnceListener)\\(\\s*(?:'(?:${EVENTS})'|(?!'[^']*',)[^,()]+),\\s*([\\w#.]*)`,
  'g',
);
/** The timeout of a socket accepts a listener, too. */
const TIMES_OUT = /([\w#.)]*)\.setTimeout\(\s*[^,()]+,\s*([\w#.]*)/g;

/** Files whose listeners are not on connections of clients or instances. */
const EXEMPT = new Map([
  ['packages/service/src/lifecycle/run-process.ts', 'standard output and the process itself'],
  ['packages/service/src/lifecycle/supervision.ts', 'the process itself'],
  ['services/gateway/src/routes/file-watcher.ts', 'a watcher of a file'],
]);

/** Returns whether a file belongs to a workspace that listens on the network. */
const isRead = (path: string): boolean =>
  /^(?:packages\/service|services\/[\w-]+)\/src\//.test(path) && !/(?:\.test|\/testing)\.ts$/.test(path);

const isGuarded = (listener: string, text: string): boolean => {
  if (listener === 'guarded' || listener === 'ignoreError') return true;
  if (listener === '') return false;
  const name = listener.replace(/^this\./, '').replace('#', '#?');
  return new RegExp(`${name} = guarded\\(`).test(text);
};

function faultsOf({ path, text }: Source): string[] {
  if (!isRead(path) || EXEMPT.has(path)) return [];
  const found = [...text.matchAll(LISTENS), ...text.matchAll(TIMES_OUT)];
  return found
    .filter(([, , listener = '']) => !isGuarded(listener, text))
    .map(([statement]) => `${path}: a listener is not guarded (${statement.trim().replaceAll(/\s+/g, ' ')})`);
}

/** Returns each listener that lacks the guard, as text. */
export const findUnguarded = (sources: readonly Source[]): string[] => sources.flatMap(faultsOf);
