// Makes `node` in the scripts of package.json the Node that `npm ci` installs, or reports why it cannot run.
// `ensure-node` runs this file after an install and before a start, on the Node that runs npm. Its syntax must suit any
// Node. npm links the platform's package as node_modules/.bin/node. npm 10 removes the link when it drops the packages
// of other platforms, and this file restores it.
const { spawnSync } = require('node:child_process');
const { existsSync, rmSync, symlinkSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

const WANTED = 26;
const EX_UNAVAILABLE = 69;
const HINT = 'On Debian or Ubuntu: apt-get install libatomic1. On Alpine: use an image with glibc.';
const modules = join(__dirname, '..', 'node_modules');
const isWindows = process.platform === 'win32';
const program = isWindows ? 'node.exe' : 'node';
const platform = `${isWindows ? 'win' : process.platform}-${process.arch}`;

/** An install goes on with `--report-only`, so that the next start needs nothing but what the message names. */
const isReportOnly = process.argv.includes('--report-only');

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(isReportOnly ? 0 : EX_UNAVAILABLE);
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

// A shell finds `node` as a script does, and node.cmd on Windows.
const present = spawnSync('node --version', { shell: true, encoding: 'utf8' });
const version = present.status === 0 ? present.stdout.trim() : undefined;
if (version === undefined || Number(version.slice(1).split('.')[0]) < WANTED) {
  const name = [`node-${platform}`, `node-bin-${platform}`].find((one) =>
    existsSync(join(modules, one, 'bin', program)),
  );
  if (!name) {
    fail(
      `Daybook runs on Node ${WANTED}. Here is ${version || 'none that runs'}, and npm installed none for ${platform}.`,
    );
  }
  const { status, stderr } = spawnSync(join(modules, name, 'bin', program), ['--version'], { encoding: 'utf8' });
  if (status !== 0) {
    const reason = (stderr || 'it did not start').trim();
    fail(`Node ${WANTED}, which npm installed for Daybook, cannot run here: ${reason}\n${HINT}`);
  }
  link(name);
}
