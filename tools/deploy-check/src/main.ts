/**
 * `npm run deploy:check`: what can be found out with the Docker and the kubectl of this machine, in words. Nothing is changed.
 */
import { findingsOfDocker, runCommand } from './docker/docker.ts';

console.log('Docker');
for (const { text, isFault } of await findingsOfDocker(runCommand)) {
  console.log(text);
  if (isFault) process.exitCode = 1;
}

console.log('');
await import('./kubernetes/check.ts');
