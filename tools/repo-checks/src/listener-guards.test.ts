import { describe, expect, it } from 'vitest';
import { findUnguarded } from './listener-guards.ts';
import { readSources } from './sources.ts';

it('every listener on a server or connection runs inside the guard', async () => {
  const sources = await readSources();
  expect(sources.length).toBeGreaterThan(100);
  expect(findUnguarded(sources)).toEqual([]);
});

describe('the check', () => {
  const faultsOf = (text: string, path = 'services/gateway/src/app.ts') => findUnguarded([{ path, text }]);

  it.each([
    "server.on('upgrade', (request) => handle(request));",
    "server.on(\n  'connect',\n  refuse,\n);",
    "socket\n  .setNoDelay(true)\n  .once('data', () => read());",
    "socket.on(isSecure ? 'secureConnect' : 'connect', () => opened());",
    "socket.on('data', this.#onData);\nreadonly #onData = (chunk) => read(chunk);",
    "server.prependListener('request', onRequest);",
    'socket.setTimeout(IDLE_MILLIS, end);',
  ])('finds %j', (text) => expect(faultsOf(text)).toHaveLength(1));

  it.each([
    "server.on('upgrade', guarded(socketOf, handle));",
    "socket.on('error', ignoreError);",
    "socket.on('data', this.#onData);\nreadonly #onData = guarded(this.#socketOf, (chunk) => read(chunk));",
    'socket.setTimeout(IDLE_MILLIS, guarded(socket, end));',
  ])('accepts %j', (text) => expect(faultsOf(text)).toEqual([]));

  it('leaves tests alone', () =>
    expect(faultsOf("server.on('upgrade', handle);", 'services/gateway/src/x.test.ts')).toEqual([]));
});
