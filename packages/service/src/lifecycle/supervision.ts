/** Messages between a process and its parent, over Node's IPC channel. */

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

/** Returns whether the parent listens to reports. Then people do not read what this process prints. */
export const isSupervised = (): boolean => process.send !== undefined;

/** Reports to the parent, if it listens. */
export function report(message: Report): void {
  // A parent that has ended receives nothing; 'disconnect' reports its end.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

/** Calls back when the parent requests shutdown, or has ended without a request. */
export function onShutdownRequest(end: (options: { callersAreGone: boolean }) => void): void {
  if (!isSupervised()) return;
  process.on('message', (message: unknown) => {
    if (isShutdownRequest(message)) end(message.end);
  });
  // The parent has ended, and so have all its other processes.
  const onOrphaned = () => end({ callersAreGone: true });
  if (process.connected) process.on('disconnect', onOrphaned);
  else onOrphaned();
}
