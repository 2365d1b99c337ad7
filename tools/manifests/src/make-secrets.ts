/** `npm run deploy:secrets` */
import { makeSecrets } from './secrets.ts';
import { SECRETS } from './sources.ts';

console.log((await makeSecrets(SECRETS)) ? `Made passwords in ${SECRETS}.` : `The passwords in ${SECRETS} are kept.`);
