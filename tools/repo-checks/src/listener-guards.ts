/** Finds listeners on servers and connections that could end the process: those that do not run inside the guard. */
import type { Source } from './imports.ts';

/** Of servers, sockets, requests and responses. */
const EVENTS =
  'checkContinue|checkExpectation|clientError|close|connect|connection|data|drain|dropRequest|end|error|finish|lookup|pause|readable|ready|request|response|resume|secureConnect|secureConnection|timeout|tlsClientError|upgrade';
const LISTENS = new RegExp(
  `([\\w#.)]*)\\s*\\.(?:on|once|addListener|prependListener|prependOnceListener)\\(\\s*(?:'(?:${EVENTS})'|(?!'[^']*',)[^,()]+),\\s*([\\w#.]*)`,
  'g',
);
/** A timeout of a socket takes its listener along. */
const TIMES_OUT = /([\w#.)]*)\.setTimeout\(\s*[^,()]+,\s*([\w#.]*)/g;

/** What is no connection of a client or an instance. */
const EXEMPT = new Map([
  ['packages/service/src/lifecycle/run-process.ts', 'standard output and the process itself'],
  ['packages/service/src/lifecycle/supervision.ts', 'the process itself'],
  ['services/gateway/src/routes/file-watcher.ts', 'a watcher of a file'],
]);

/** The parts that listen on the network. */
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

/** Returns each listener that lacks the guard, in words. */
export const findUnguarded = (sources: readonly Source[]): string[] => sources.flatMap(faultsOf);
