/** `npm run deploy:check`: reports what this machine's Docker and kubectl can find out. Changes nothing. */
import { findingsOfDocker, runCommand } from './docker/docker.ts';

console.log('Docker');
for (const { text, isFault } of await findingsOfDocker(runCommand)) {
  console.log(text);
  if (isFault) process.exitCode = 1;
}

console.log('');
await import('./kubernetes/check.ts');
