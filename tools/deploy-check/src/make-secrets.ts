/** `npm run deploy:secrets [-- FOLDER]` */
import { makeSecrets } from './kubernetes/secrets.ts';
import { SECRETS } from './kubernetes/sources.ts';

const [folder = SECRETS] = process.argv.slice(2);
const isMade = await makeSecrets(folder);
console.log(isMade ? `Made passwords and keys in ${folder}.` : `The passwords and keys in ${folder} are kept.`);
