// health.mjs live|ready PORT: ends with 0 when the process in this container says that it is.
import { get } from 'node:http';

const [probe = 'live', port = '8080'] = process.argv.slice(2);
const options = { host: '127.0.0.1', port, path: `/health/${probe}`, timeout: 4_000 };
const request = get(options, (response) => process.exit(response.statusCode === 200 ? 0 : 1));
request.on('timeout', () => request.destroy(new Error('no response')));
request.on('error', () => process.exit(1));
