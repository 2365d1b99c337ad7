/** Runs Keycloak on this machine, from its distribution in Maven Central. */
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Program } from '../child-process.ts';
import { BUILD_MILLIS, CACHE } from './programs.ts';

const VERSION = '26.4.7';
const UNPACK = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:unpack';
/** The first start compiles its configuration. */
const START_DEADLINE_MILLIS = 300_000;
const ADMINISTRATOR = { username: 'admin', password: 'administrator of the tests' };

export interface Keycloak extends AsyncDisposable {
  readonly url: string;
  readonly program: Program;
  /** The seconds from the command to the ready line. */
  readonly secondsToReady: number;
  /** Sends a request to the API of administrators, and returns the body. */
  administer(method: string, path: string, body?: object): Promise<unknown>;
}

/** Downloads and unpacks Keycloak once. Returns its folder. */
async function prepare(): Promise<string> {
  const folder = join(CACHE, `keycloak-${VERSION}`);
  if (existsSync(folder)) return folder;
  await mkdir(CACHE, { recursive: true });
  const unpacked = await mkdtemp(join(CACHE, 'unpacked-'));
  const artifact = `org.keycloak:keycloak-quarkus-dist:${VERSION}:zip`;
  const maven = new Program('mvn dependency:unpack', {
    command: 'mvn',
    arguments: ['-q', '-B', UNPACK, `-Dartifact=${artifact}`, `-DoutputDirectory=${unpacked}`],
    environment: process.env,
    folder: unpacked,
  });
  const { code } = await maven.ended(BUILD_MILLIS);
  if (code !== 0) throw new Error(`${maven.name} ended with ${code}:\n${maven.output()}`);
  await rename(join(unpacked, `keycloak-${VERSION}`), folder);
  await rm(unpacked, { recursive: true });
  return folder;
}

const READ_BY_KEYCLOAK = /^(KC_|QUARKUS_|JAVA_OPTS|JAVA_TOOL_OPTIONS$|JDK_JAVA_OPTIONS$)/;

function run(home: string, port: number): Program {
  const inherited = Object.entries(process.env).filter(([name]) => !READ_BY_KEYCLOAK.test(name));
  return new Program('Keycloak', {
    command: join(home, 'bin/kc.sh'),
    arguments: ['start-dev', '--http-host=127.0.0.1', `--http-port=${port}`, '--import-realm'],
    environment: {
      ...Object.fromEntries(inherited),
      JAVA_OPTS_KC_HEAP: '-Xms64m -Xmx512m',
      KC_BOOTSTRAP_ADMIN_USERNAME: ADMINISTRATOR.username,
      KC_BOOTSTRAP_ADMIN_PASSWORD: ADMINISTRATOR.password,
    },
    folder: home,
  });
}

async function administratorToken(url: string): Promise<string> {
  const body = new URLSearchParams({ grant_type: 'password', client_id: 'admin-cli', ...ADMINISTRATOR });
  const response = await fetch(`${url}/realms/master/protocol/openid-connect/token`, { method: 'POST', body });
  const { access_token } = (await response.json()) as { access_token: string };
  return access_token;
}

/**
 * Starts Keycloak with a realm, in a folder of its own that is deleted afterwards.
 * @param realm as Keycloak exports it
 */
export async function startKeycloak(port: number, realm: { readonly realm: string }): Promise<Keycloak> {
  const prepared = await prepare();
  const home = await mkdtemp(join(tmpdir(), 'daybook-keycloak-'));
  await cp(prepared, home, { recursive: true });
  await mkdir(join(home, 'data/import'), { recursive: true });
  await writeFile(join(home, 'data/import/realm.json'), JSON.stringify(realm));
  const startedAt = performance.now();
  const program = run(home, port);
  const url = `http://127.0.0.1:${port}`;
  const end = async () => {
    await program.end('SIGTERM');
    await rm(home, { recursive: true });
  };
  try {
    await program.printed(/Keycloak .* started in/, START_DEADLINE_MILLIS);
  } catch (error) {
    await end();
    throw error;
  }
  return {
    url,
    program,
    secondsToReady: (performance.now() - startedAt) / 1_000,
    async administer(method, path, body) {
      const response = await fetch(`${url}/admin/realms/${realm.realm}${path}`, {
        method,
        headers: { authorization: `Bearer ${await administratorToken(url)}`, 'content-type': 'application/json' },
        ...(body && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`Keycloak responds to ${method} ${path} with ${response.status}: ${text}`);
      return text === '' ? undefined : JSON.parse(text);
    },
    [Symbol.asyncDispose]: end,
  };
}
