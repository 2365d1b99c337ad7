/** Runs the seed of the demo clinic as its own process, which exits before the services start. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type Environment, EXIT, StartFailure } from '@daybook/service';
import { JSON_LOG } from './environment.ts';
import { readLines } from './split-lines.ts';

const PROGRAM = new URL('./seed-main.ts', import.meta.url);

/**
 * Runs the seed.
 * @throws StartFailure when it fails
 */
export async function runSeeder(
  environment: Environment,
  topologyFile: string,
  onLine: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const child = spawn(process.execPath, [...process.execArgv, PROGRAM.pathname, topologyFile], {
    env: { ...environment, ...JSON_LOG },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: process.platform !== 'win32',
  });
  // The child treats a disconnect as the end of its parent.
  signal.addEventListener('abort', () => child.connected && child.disconnect(), { once: true });
  let lastError = '';
  readLines(child.stdout, onLine);
  readLines(child.stderr, (line) => {
    lastError = line;
    onLine(line);
  });
  const [code] = await once(child, 'close');
  if (signal.aborted || code === 0) return;
  throw new StartFailure(
    code ?? EXIT.software,
    lastError || `The demo clinic could not be filled (exit code ${code}).`,
  );
}
