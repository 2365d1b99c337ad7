// Runs before `npm start` and `npm test`, on whatever Node the path finds first, and says in words when that is not the
// one that Daybook brings along. Old syntax, so that any Node can run it.
var wanted = 26;
if (Number(process.versions.node.split('.')[0]) < wanted) {
  process.stderr.write(
    `Found Node ${process.versions.node}, but Daybook runs on the Node ${wanted} that npm ci installs for it.\n` +
      `It comes as an optional package for the platform (${process.platform}-${process.arch}): was it left out?\n`,
  );
  process.exit(69);
}
