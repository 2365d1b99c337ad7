/** Which Java and Maven there are, and what a test does where there are none. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const OLDEST = 17;

const { JAVA_HOME } = process.env;
export const JAVA = JAVA_HOME ? join(JAVA_HOME, 'bin/java') : 'java';

export interface JavaTools {
  /** As it calls itself: programs that were prepared for another one are prepared anew. */
  readonly version: string;
}

let found: JavaTools | null | undefined;

/** Null where something is missing, or too old. */
function findJavaTools(): JavaTools | null {
  const java = spawnSync(JAVA, ['-version'], { encoding: 'utf8', timeout: 20_000 });
  if (java.status !== 0) return null;
  const version = java.stderr.trim();
  const major = Number(/version "(\d+)/.exec(version)?.[1] ?? 0);
  if (major < OLDEST) return null;
  return spawnSync('mvn', ['-v'], { timeout: 20_000 }).status === 0 ? { version } : null;
}

export function javaTools(): JavaTools | null {
  if (found === undefined) found = findJavaTools();
  return found;
}

/** Parts that must be there for a run to count, by DAYBOOK_TEST_REQUIRE: `mysql,rabbitmq,java`. */
const isRequired = (part: string): boolean =>
  (process.env.DAYBOOK_TEST_REQUIRE ?? '').split(',').some((name) => name.trim() === part);

/** For `describe.skipIf`: says aloud what is left out. @throws where Java is required and missing */
export function javaIsMissing(what: string): boolean {
  if (javaTools()) return false;
  const advice = `It needs Java ${OLDEST} or newer and Maven: on Debian, apt-get install default-jdk-headless maven.`;
  if (isRequired('java')) throw new Error(`${what} cannot be tried here. ${advice}`);
  console.warn(`SKIPPED: ${what}. ${advice}`);
  return true;
}
