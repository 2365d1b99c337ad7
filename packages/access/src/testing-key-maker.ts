/** For this package's tests, as a separate process: waits for a line on standard input, then prepares both keys. */
import { once } from 'node:events';
import { prepareRootKey } from './root-key.ts';
import { prepareSealingKey } from './sealing.ts';

const [, , folder = ''] = process.argv;

process.stdout.write('ready\n');
await once(process.stdin, 'data');
const [root, sealing] = await Promise.all([prepareRootKey(folder), prepareSealingKey(folder)]);
process.stdout.write(`${root.signing.keyId} ${sealing.id}\n`);
process.stdin.destroy();
