/** Messages between a process and its parent, over Node's IPC channel. */
import { processEnvironment } from '../config/config.ts';

/** The variable by which a supervisor marks its processes, because `node --watch` opens a channel as well. */
const MARK = 'DAYBOOK_SUPERVISED';

/** The variables that a supervisor adds to those of its processes. */
export const SUPERVISED_ENVIRONMENT: Readonly<Record<string, string>> = { [MARK]: 'on' };

/** Sent to the parent. */
export interface Report {
  readonly state: 'listening' | 'ready';
  readonly url: string;
}

/** Sent by the parent, because a signal cannot carry whether the callers are gone. */
export interface ShutdownRequest {
  readonly end: { readonly callersAreGone: boolean };
}

export const isReport = (message: unknown): message is Report =>
  typeof message === 'object' &&
  message !== null &&
  'state' in message &&
  (message.state === 'listening' || message.state === 'ready') &&
  'url' in message &&
  typeof message.url === 'string';

const isShutdownRequest = (message: unknown): message is ShutdownRequest =>
  typeof message === 'object' && message !== null && 'end' in message;

/** Returns whether the parent is a supervisor that reads reports. Then people do not read what this process prints. */
export const isSupervised = (): boolean => process.send !== undefined && processEnvironment[MARK] === 'on';

/** Reports to the supervisor, if there is one. */
export function report(message: Report): void {
  // A parent that has ended receives nothing; 'disconnect' reports its end.
  if (isSupervised() && process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

/** Calls back when the parent requests shutdown, or has ended without a request. Any parent with a channel may do so. */
export function onShutdownRequest(end: (options: { callersAreGone: boolean }) => void): void {
  if (process.send === undefined) return;
  process.on('message', (message: unknown) => {
    if (isShutdownRequest(message)) end(message.end);
  });
  // The parent has ended, and so have all its other processes.
  const onOrphaned = () => end({ callersAreGone: true });
  if (process.connected) process.on('disconnect', onOrphaned);
  else onOrphaned();
}
