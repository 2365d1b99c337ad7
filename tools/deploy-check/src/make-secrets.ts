/** `npm run deploy:secrets` */
import { makeSecrets } from './kubernetes/secrets.ts';
import { SECRETS } from './kubernetes/sources.ts';

console.log((await makeSecrets(SECRETS)) ? `Made passwords in ${SECRETS}.` : `The passwords in ${SECRETS} are kept.`);
