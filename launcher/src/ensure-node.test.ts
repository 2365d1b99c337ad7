/** `npm ci` and `npm start` with a Node 26 that cannot run, and with one that is not linked. Both run the real npm. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { temporaryFolder } from '@daybook/testing';
import { describe, expect, it } from 'vitest';
import { environment } from './config.ts';

const ROOT = join(import.meta.dirname, '../..');
const PLATFORM_PACKAGE = `node-${process.platform}-${process.arch}`;
const MISSING_LIBRARY = 'node: error while loading shared libraries: libatomic.so.1';
const TIMEOUT_MILLIS = 120_000;

async function writeProgram(path: string, script: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
}

/** Creates a project with the scripts of ours, whose only dependency is the package of this platform. */
async function createProject(folder: string): Promise<void> {
  for (const name of ['ensure-node', 'ensure-node.cjs']) {
    await cp(join(ROOT, 'launcher', name), join(folder, 'launcher', name));
  }
  await mkdir(join(folder, 'launcher/src'));
  await writeFile(
    join(folder, 'launcher/src/main.ts'),
    "process.stdout.write('started: ' + (process.version satisfies string));",
  );
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(
    await readFile(join(ROOT, 'package.json'), 'utf8'),
  );
  const optionalDependencies = { [PLATFORM_PACKAGE]: 'file:platform' };
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'x', version: '1.0.0', scripts, optionalDependencies }),
  );
  const platform = { name: PLATFORM_PACKAGE, version: '26.0.0', bin: { node: 'bin/node' } };
  await mkdir(join(folder, 'platform/bin'), { recursive: true });
  await writeFile(join(folder, 'platform/package.json'), JSON.stringify(platform));
}

/** Runs npm in the folder, on the Node of this process. `first` comes before everything else in the path. */
async function npm(folder: string, args: readonly string[], first = dirname(process.execPath)) {
  const child = spawn('npm', [...args, '--offline', '--loglevel=error'], {
    cwd: folder,
    env: { ...environment, PATH: `${first}${delimiter}${environment.PATH}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code, output, errors };
}

describe.skipIf(process.platform === 'win32')('a Node that npm installed and that cannot run', () => {
  it(
    'is reported with the remedy by npm ci, which succeeds, and by npm start, which ends with 69',
    async () => {
      await using folder = await temporaryFolder();
      await createProject(folder.path);
      await writeProgram(join(folder.path, 'platform/bin/node'), `echo '${MISSING_LIBRARY}' >&2; exit 127`);
      expect(await npm(folder.path, ['install', '--package-lock-only'])).toMatchObject({ code: 0, errors: '' });

      const installed = await npm(folder.path, ['ci']);
      expect(installed.code).toBe(0);
      expect(await readlink(join(folder.path, 'node_modules/.bin/node'))).toContain(PLATFORM_PACKAGE);
      expect(installed.errors).toContain(MISSING_LIBRARY);
      expect(installed.errors).toContain('apt-get install libatomic1');
      const scripts = ['start', 'start:distributed', 'dev', 'test'];
      const started = await Promise.all(scripts.map((script) => npm(folder.path, ['run', script])));
      expect(started.map(({ code }) => code)).toEqual(scripts.map(() => 69));
      for (const { errors } of started) {
        expect(errors).toContain(MISSING_LIBRARY);
        expect(errors).toContain('apt-get install libatomic1');
      }
    },
    TIMEOUT_MILLIS,
  );
});

describe.skipIf(process.platform === 'win32')('a Node that npm installed and did not link', () => {
  /** Creates an older Node in front of everything else in the path, on which npm cannot be seen to run. */
  async function createOlderNode(folder: string): Promise<string> {
    const older = join(folder, 'older');
    await writeProgram(
      join(older, 'node'),
      `[ "$1" = --version ] && { echo v20.0.0; exit; }\nexec '${process.execPath}' "$@"`,
    );
    return older;
  }

  it(
    'is linked before a start',
    async () => {
      await using folder = await temporaryFolder();
      await createProject(folder.path);
      await mkdir(join(folder.path, 'node_modules/.bin'), { recursive: true });
      await symlink('../platform', join(folder.path, 'node_modules', PLATFORM_PACKAGE));
      await symlink(process.execPath, join(folder.path, 'platform/bin/node'));
      const started = await npm(folder.path, ['start'], await createOlderNode(folder.path));
      expect(started).toMatchObject({ code: 0, errors: '' });
      expect(started.output).toContain(`started: ${process.version}`);
      expect(await readlink(join(folder.path, 'node_modules/.bin/node'))).toBe(`../${PLATFORM_PACKAGE}/bin/node`);
    },
    TIMEOUT_MILLIS,
  );

  it(
    'is missed with 69 where npm installed none for the platform',
    async () => {
      await using folder = await temporaryFolder();
      await createProject(folder.path);
      await rm(join(folder.path, 'platform'), { recursive: true });
      const started = await npm(folder.path, ['start'], await createOlderNode(folder.path));
      expect(started.code).toBe(69);
      expect(started.errors).toContain('Daybook runs on Node 26. Here is v20.0.0');
    },
    TIMEOUT_MILLIS,
  );
});
