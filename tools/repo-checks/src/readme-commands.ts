/**
 * Runs the commands of the README as written, in a shell, in the order of the page, until the first failure.
 * Commands that start Daybook run until the end of the page.
 * `node tools/repo-checks/src/readme-commands.ts [COMMAND TO LEAVE OUT …]`
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withDeadline } from '@daybook/async';

const root = join(import.meta.dirname, '../../..');
const START_DEADLINE_MILLIS = 120_000;
const COMMAND_DEADLINE_MILLIS = 300_000;
const END_DEADLINE_MILLIS = 30_000;

/** Returns the code blocks that are for a shell. */
export const shellBlocks = (markdown: string): string[] =>
  [...markdown.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block.trim());

/** Returns the commands of the table: the text between backquotes in its first column. */
export const tableCommands = (markdown: string): string[] =>
  [...markdown.matchAll(/^\| `(npm [^`]+)` +\|/gm)].map(([, command = '']) => command);

const startsDaybook = (command: string): boolean => /\bnpm start\b/.test(command);

function shell(command: string): ChildProcess {
  return spawn('sh', ['-ec', command], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], detached: true });
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(-child.pid, signal);
}

/** Starts a command in its own process group and waits for the ready line. */
async function start(command: string): Promise<ChildProcess> {
  const child = shell(command);
  const ready = Promise.withResolvers<void>();
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    output = (output + chunk.toString('utf8')).slice(-10_000);
    if (/ is ready at http/.test(output)) ready.resolve();
  });
  child.once('close', (code) => ready.reject(new Error(`ended with ${code}: ${command}\n${output}`)));
  await withDeadline(ready.promise, START_DEADLINE_MILLIS, () => new Error(`no ready line: ${command}`));
  return child;
}

/** Signals the whole group, as Ctrl-C on a terminal does. */
async function end(child: ChildProcess): Promise<void> {
  const closed = once(child, 'close');
  const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), END_DEADLINE_MILLIS);
  signalGroup(child, 'SIGINT');
  const [code, signal] = await closed;
  clearTimeout(timer);
  if (signal === 'SIGKILL') throw new Error('a start did not end on Ctrl-C');
  console.log(`  ended (${code ?? signal})`);
}

async function run(command: string): Promise<void> {
  const child = shell(command);
  const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), COMMAND_DEADLINE_MILLIS);
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    output = (output + chunk.toString('utf8')).slice(-5000);
  });
  const [code] = await once(child, 'close');
  clearTimeout(timer);
  if (code !== 0) throw new Error(`ended with ${code}: ${command}\n${output}`);
  if (/"code":|HTTP\/1\.1 [45]/.test(output)) throw new Error(`was refused: ${command}\n${output}`);
}

async function main(skipped: ReadonlySet<string>): Promise<void> {
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  const placeholders = /SERVICE|FOLDER|ROLE|EMAIL/;
  const blocks = shellBlocks(readme);
  const inTable = tableCommands(readme).filter((command) => !placeholders.test(command) && command !== 'npm start');
  // Rejects a page in another format, because it would pass as a page without commands.
  if (blocks.length === 0 || inTable.length === 0) throw new Error('no commands found in the README');
  const commands = [...new Set([...blocks, ...inTable])].filter((command) => !skipped.has(command));
  const started: ChildProcess[] = [];
  try {
    for (const command of commands) {
      console.log(`$ ${command.split('\n').join('\n> ')}`);
      if (startsDaybook(command)) started.push(await start(command));
      else await run(command);
    }
  } finally {
    for (const child of started.reverse()) await end(child);
  }
  console.log(`${commands.length} commands of the README work as written.`);
}

if (import.meta.main) await main(new Set(process.argv.slice(2)));
