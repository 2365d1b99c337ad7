/**
 * A service of the gateway's bench, as its own process, that responds with a little JSON.
 * With `SLOTS` and `MILLIS` it handles that many requests simultaneously, for that long each. Other requests wait.
 * So its capacity is known.
 */
import { createServer, type ServerResponse } from 'node:http';

const [slots = 0, millis = 0] = process.argv.slice(2).map(Number);
const BODY = JSON.stringify({ id: '018f6d2e-7a44-7cc3-9b1a-3b6f2a9d1c55', name: 'x'.repeat(60), version: 1 });

function respond(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': BODY.length });
  response.end(BODY);
}

const waiting: ServerResponse[] = [];
let working = 0;

function workOn(response: ServerResponse): void {
  working += 1;
  setTimeout(() => {
    respond(response);
    working -= 1;
    const next = waiting.shift();
    if (next) workOn(next);
  }, millis);
}

const server = createServer((_request, response) => {
  if (slots === 0) respond(response);
  else if (working < slots) workOn(response);
  else waiting.push(response);
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') process.stdout.write(`${address.port}\n`);
});
process.on('SIGTERM', () => process.exit(0));
