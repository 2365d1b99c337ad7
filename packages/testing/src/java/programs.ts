/**
 * The Java programs of this repository, built when a test first needs them and kept until their sources change. Each is
 * unpacked and started once, so that Java archives its loaded classes. Afterwards it starts in a third of the time.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, glob, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { Program } from '../child-process.ts';
import { registryUsersVariable } from '../registry-users.ts';
import { JAVA, javaTools } from './tools.ts';

const ROOT = join(import.meta.dirname, '../../../..');
export const CACHE = join(ROOT, 'node_modules/.cache/daybook-java');
/** The timeout of the hook that first needs a program, including downloads on a new machine. */
export const BUILD_MILLIS = 15 * 60_000;
const START_DEADLINE_MILLIS = 180_000;
const LOCK_POLL_MILLIS = 200;
const NOWHERE = 'http://127.0.0.1:9/eureka';

interface JavaProgram {
  /** The folder of the Maven project. */
  readonly project: string;
  readonly jar: string;
  /** The folder of its libraries, if they are not in its own jar. */
  readonly libraries?: string;
  /** The output that shows that it is ready. */
  readonly ready: RegExp;
  /** Variables to start it without any other process. */
  readonly trial: Readonly<Record<string, string>>;
}

export const programs = {
  eureka: {
    project: 'deploy/eureka',
    jar: 'target/eureka.jar',
    ready: /Started EurekaServer/,
    trial: { EUREKA_PORT: '0', ...registryUsersVariable },
  },
  'spring-service': {
    project: 'e2e/java',
    jar: 'spring-service/target/spring-service.jar',
    ready: /spring-service is ready at (http:\S+)/,
    trial: { EUREKA_URL: NOWHERE },
  },
  'spring-gateway': {
    project: 'e2e/java',
    jar: 'spring-gateway/target/spring-gateway.jar',
    ready: /spring-gateway is ready at (http:\S+)/,
    trial: { EUREKA_URL: NOWHERE, SPRING_PROFILES_ACTIVE: 'locator' },
  },
  'netflix-client': {
    project: 'e2e/java',
    jar: 'netflix-client/target/netflix-client.jar',
    libraries: 'netflix-client/target/lib',
    ready: /netflix-client is ready at (http:\S+)/,
    trial: { EUREKA_URL: NOWHERE },
  },
} as const satisfies Record<string, JavaProgram>;

export type JavaProgramName = keyof typeof programs;

/** Options for a small process that starts fast, at the cost of peak speed. */
const SMALL = ['-Xmx128m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];

export interface JavaStart {
  environment: Readonly<Record<string, string>>;
  arguments?: readonly string[];
  /** Options of the virtual machine that replace the default ones. */
  machine?: readonly string[];
}

/** Variables that change the behaviour of Daybook or Spring; only the test may set them. */
const READ_BY_PROGRAMS =
  /^(DAYBOOK_|EUREKA_|SPRING_|SERVER_|MANAGEMENT_|LOG_LEVEL$|JAVA_TOOL_OPTIONS$|JDK_JAVA_OPTIONS$)/;

function run(name: JavaProgramName, folder: string, given: readonly string[], start: JavaStart): Program {
  const inherited = Object.entries(process.env).filter(([variable]) => !READ_BY_PROGRAMS.test(variable));
  return new Program(name, {
    command: JAVA,
    arguments: [...(start.machine ?? SMALL), ...given, '-jar', join(folder, `${name}.jar`), ...(start.arguments ?? [])],
    environment: { ...Object.fromEntries(inherited), ...start.environment },
    folder,
  });
}

/** Builds the program if needed, starts it, and waits until it is ready. */
export async function startJava(
  name: JavaProgramName,
  start: JavaStart,
): Promise<{ program: Program; ready: RegExpExecArray }> {
  const folder = await prepare(name);
  const program = run(name, folder, [`-XX:SharedArchiveFile=${archiveIn(folder)}`], start);
  const { ready } = programs[name];
  try {
    return { program, ready: await program.printed(ready, START_DEADLINE_MILLIS) };
  } catch (error) {
    await program.end('SIGKILL');
    throw error;
  }
}

const archiveIn = (folder: string): string => join(folder, 'classes.jsa');

/** Returns a hash of everything that a build reads. */
async function hashOf(project: string): Promise<string> {
  const hash = createHash('sha256').update(javaTools()?.version ?? '');
  const files: string[] = [];
  for await (const file of glob(['**/pom.xml', '**/src/main/**/*.*'], {
    cwd: join(ROOT, project),
    exclude: (name) => name === 'target',
  })) {
    files.push(file);
  }
  for (const file of files.toSorted()) hash.update(file).update(await readFile(join(ROOT, project, file)));
  return hash.digest('hex').slice(0, 16);
}

/** Returns the folder with the program, ready to start. */
async function prepare(name: JavaProgramName): Promise<string> {
  const hash = await hashOf(programs[name].project);
  const folder = join(CACHE, `${name}-${hash}`);
  const isPrepared = () => existsSync(archiveIn(folder));
  if (isPrepared()) return folder;
  await mkdir(CACHE, { recursive: true });
  using _lock = await lock();
  if (isPrepared()) return folder;
  await build(programs[name].project, hash);
  await forgetOlder(name);
  await unpack(name, folder);
  await trial(name, folder);
  return folder;
}

/** Locks builds across processes. The operating system releases the lock, however the process ends. */
async function lock(): Promise<Disposable> {
  const file = new DatabaseSync(join(CACHE, 'lock'), { timeout: 0 });
  const deadline = performance.now() + BUILD_MILLIS;
  for (;;) {
    try {
      file.exec('BEGIN EXCLUSIVE');
      return { [Symbol.dispose]: () => file.close() };
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await sleep(LOCK_POLL_MILLIS);
    }
  }
}

async function build(project: string, hash: string): Promise<void> {
  const note = join(CACHE, `built-${project.replaceAll('/', '-')}`);
  if (existsSync(note) && (await readFile(note, 'utf8')) === hash) return;
  await rm(note, { force: true });
  const maven = new Program(`mvn package in ${project}`, {
    command: 'mvn',
    arguments: ['-q', '-B', 'package'],
    environment: process.env,
    folder: join(ROOT, project),
  });
  const { code } = await maven.ended(BUILD_MILLIS);
  if (code !== 0) throw new Error(`${maven.name} ended with ${code}:\n${maven.output()}`);
  await writeFile(note, hash);
}

async function forgetOlder(name: JavaProgramName): Promise<void> {
  for (const entry of await readdir(CACHE)) {
    if (entry.startsWith(`${name}-`)) await rm(join(CACHE, entry), { recursive: true, force: true });
  }
}

/** Unpacks a jar, because Java reads classes from jars in a folder much faster than from jars in a jar. */
async function unpack(name: JavaProgramName, folder: string): Promise<void> {
  const { project, jar, libraries }: JavaProgram = programs[name];
  await mkdir(folder, { recursive: true });
  const from = join(ROOT, project, jar);
  if (libraries !== undefined) {
    await cp(from, join(folder, `${name}.jar`));
    await cp(join(ROOT, project, libraries), join(folder, 'lib'), { recursive: true });
    return;
  }
  const unpacking = new Program(`unpacking ${name}`, {
    command: JAVA,
    arguments: ['-Djarmode=tools', '-jar', from, 'extract', '--force', '--destination', '.'],
    environment: process.env,
    folder,
  });
  const { code } = await unpacking.ended(START_DEADLINE_MILLIS);
  if (code !== 0) throw new Error(`${unpacking.name} ended with ${code}:\n${unpacking.output()}`);
}

/** Starts the program once. The archive is written when the program ends, and renamed when it is complete. */
async function trial(name: JavaProgramName, folder: string): Promise<void> {
  const { ready, trial: environment } = programs[name];
  const unfinished = `${archiveIn(folder)}.new`;
  const program = run(name, folder, [`-XX:ArchiveClassesAtExit=${unfinished}`], { environment });
  try {
    await program.printed(ready, START_DEADLINE_MILLIS);
    await program.end('SIGTERM', START_DEADLINE_MILLIS);
  } finally {
    await program.end('SIGKILL');
  }
  if (!existsSync(unfinished)) throw new Error(`${name} left no archive of its classes:\n${program.output()}`);
  await rename(unfinished, archiveIn(folder));
}
