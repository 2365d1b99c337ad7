/** Finds Java and Maven, and skips tests where they are missing. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const OLDEST = 17;

const { JAVA_HOME } = process.env;
export const JAVA = JAVA_HOME ? join(JAVA_HOME, 'bin/java') : 'java';

export interface JavaTools {
  /** The version as Java reports it. Programs prepared for another version are prepared again. */
  readonly version: string;
}

let found: JavaTools | null | undefined;

/** Returns the tools, or null when one is missing or too old. */
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

/** Returns whether a run requires a dependency, by DAYBOOK_TEST_REQUIRE: `mysql,rabbitmq,java`. */
const isRequired = (part: string): boolean =>
  (process.env.DAYBOOK_TEST_REQUIRE ?? '').split(',').some((name) => name.trim() === part);

/**
 * For `describe.skipIf`: prints which tests are skipped.
 * @throws when Java is required and missing
 */
export function javaIsMissing(what: string): boolean {
  if (javaTools()) return false;
  const advice = `It needs Java ${OLDEST} or newer and Maven: on Debian, apt-get install default-jdk-headless maven.`;
  if (isRequired('java')) throw new Error(`${what} cannot be tried here. ${advice}`);
  console.warn(`SKIPPED: ${what}. ${advice}`);
  return true;
}
