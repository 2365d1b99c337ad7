/** The ready line of a process under a supervisor, under `node --watch`, and alone. */
import { type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { processEnvironment } from '../config/config.ts';
import { isReport, SUPERVISED_ENVIRONMENT } from './supervision.ts';

const urlOf = (file: string) => JSON.stringify(`file://${join(import.meta.dirname, file)}`);

/** Becomes ready, and waits for its end. */
const READY = `
  import { createLogger } from ${urlOf('../observability/logger.ts')};
  import { runProcess } from ${urlOf('run-process.ts')};
  const logger = createLogger({ level: 'silent' });
  const url = 'http://127.0.0.1:1';
  const ended = setInterval(() => undefined, 1000);
  await runProcess(async () => ({
    title: 'Thing', url, logger, ready: Promise.resolve(), close: async () => clearInterval(ended),
  }));`;

const flags = (script: string) => ['--input-type=module', '--eval', script];

describe('a process', () => {
  /** Starts it, and ends it when it has printed its ready line or has reported that it is ready. */
  async function run(variables: Record<string, string>) {
    const env = { ...processEnvironment, ...variables };
    const options: SpawnOptions = { env, stdio: ['ignore', 'pipe', 'inherit', 'ipc'] };
    const child = spawn(process.execPath, flags(READY), options);
    onTestFinished(() => void child.kill('SIGKILL'));
    const states: string[] = [];
    child.on('message', (message: unknown) => {
      if (isReport(message)) states.push(message.state);
      if (states.includes('ready')) child.kill('SIGTERM');
    });
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
      if (output.includes('is ready at')) child.kill('SIGTERM');
    });
    await once(child, 'close');
    return { states, output };
  }

  it('prints its ready line under `node --watch`, which opens a channel and reads no reports', async () => {
    const { states, output } = await run({});
    expect(output).toMatch(/^Thing is ready at http:\/\/127\.0\.0\.1:1 \(\d+\.\d s\)\n$/);
    expect(states).toEqual([]);
  });

  it('reports to a supervisor instead', async () => {
    const { states, output } = await run({ ...SUPERVISED_ENVIRONMENT });
    expect(states).toEqual(['listening', 'ready']);
    expect(output).toBe('');
  });

  it('prints its ready line without a channel, in any environment', () => {
    const { stdout } = spawnSync(process.execPath, flags(`${READY} process.kill(process.pid, 'SIGTERM');`), {
      env: { ...processEnvironment, ...SUPERVISED_ENVIRONMENT },
      encoding: 'utf8',
    });
    expect(stdout).toContain('is ready at');
  });
});
