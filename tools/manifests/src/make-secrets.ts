/** `npm run deploy:secrets` */
import { fileURLToPath } from 'node:url';
import { makeSecrets } from './secrets.ts';

const folder = fileURLToPath(new URL('../../../deploy/kubernetes/overlays/local/secrets', import.meta.url));
console.log((await makeSecrets(folder)) ? `Made passwords in ${folder}.` : `The passwords in ${folder} are kept.`);
