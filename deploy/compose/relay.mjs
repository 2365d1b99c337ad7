// relay.mjs HOST:PORT…: listens on each port and passes on what comes to the host. A container behind a profile can so show
// the consoles of others, which publish no port.
import { connect, createServer } from 'node:net';
import { pipeline } from 'node:stream';

const servers = process.argv.slice(2).map((target) => {
  const [host, port] = target.split(':');
  const server = createServer((client) => {
    const console = connect(Number(port), host);
    // When one side closes or fails, the other side is closed, too.
    pipeline(client, console, client, () => undefined);
  });
  server.maxConnections = 100;
  return server.listen(Number(port), '0.0.0.0');
});

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => {
    for (const server of servers) server.close();
    process.exit(0);
  });
}
