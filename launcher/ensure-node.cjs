// Makes `node` in the scripts of package.json the Node that `npm ci` installs. Runs after an install and before a
// start. It runs on the first Node in the path, so its syntax must suit any Node. npm links the platform's package as
// node_modules/.bin/node. npm 10 removes the link when it drops the packages of other platforms, and this file restores
// it.
const { spawnSync } = require('node:child_process');
const { existsSync, rmSync, symlinkSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

const WANTED = 26;
const EX_UNAVAILABLE = 69;
const modules = join(__dirname, '..', 'node_modules');
const isWindows = process.platform === 'win32';
const program = isWindows ? 'node.exe' : 'node';
const platform = `${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;

function give(up) {
  process.stderr.write(`${up}\n`);
  process.exit(EX_UNAVAILABLE);
}

function link(name) {
  const path = join(modules, '.bin', isWindows ? 'node.cmd' : 'node');
  rmSync(path, { force: true });
  if (isWindows) writeFileSync(path, `@"%~dp0\\..\\${name}\\bin\\node.exe" %*\r\n`);
  else symlinkSync(join('..', name, 'bin', program), path);
}

// `exec` in a script replaces the shell with the program. A signal to npm then reaches Daybook, and npm waits for its
// end. The Windows shell has neither `exec` nor such signals, so a file runs the given command there.
if (isWindows) writeFileSync(join(modules, '.bin', 'exec.cmd'), '@%*\r\n');

if (Number(process.versions.node.split('.')[0]) < WANTED) {
  const name = [`node-${platform}`, `node-bin-${platform}`].find((one) =>
    existsSync(join(modules, one, 'bin', program)),
  );
  if (!name) {
    give(
      `Daybook runs on Node ${WANTED}; this is ${process.versions.node}, and there is no package of it for ${platform} here.`,
    );
  }
  const { status, stderr } = spawnSync(join(modules, name, 'bin', program), ['--version'], { encoding: 'utf8' });
  if (status !== 0) give(`Node ${WANTED} cannot run here: ${(stderr || 'it did not start').trim()}`);
  link(name);
}
