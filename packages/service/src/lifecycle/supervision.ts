/** What a process and the one that started it tell each other, over the channel that Node opens between them. */

/** From the process that was started. */
export interface Report {
  readonly state: 'listening' | 'ready';
  readonly url: string;
}

/** To the process that was started; a signal could not say that its callers are gone. */
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

/** Whether whoever started this process listens to reports: then nobody reads what it prints for a person. */
export const isSupervised = (): boolean => process.send !== undefined;

/** Tells whoever started this process, if it wants to hear. */
export function report(message: Report): void {
  // Whoever is gone hears nothing, and is noticed as gone.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

/** Calls back when whoever started this process wants it to end, or has ended without a word. */
export function onShutdownRequest(end: (options: { callersAreGone: boolean }) => void): void {
  if (!isSupervised()) return;
  process.on('message', (message: unknown) => {
    if (isShutdownRequest(message)) end(message.end);
  });
  // Whoever it belongs to is gone, and so are all that belong to it.
  const onOrphaned = () => end({ callersAreGone: true });
  if (process.connected) process.on('disconnect', onOrphaned);
  else onOrphaned();
}
