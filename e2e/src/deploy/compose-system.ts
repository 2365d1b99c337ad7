/** Runs the system of deploy/compose under a temporary name, on free ports. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createClient, type DaybookClient } from '@daybook/client';
import { COMPOSE_FOLDER, docker, lines, SERVICES, type Service } from './docker.ts';
import { SIGN_TOKEN } from './signing.ts';

const run = promisify(execFile);

const UP_DEADLINE_MILLIS = 10 * 60_000;

export interface Container {
  readonly ID: string;
  readonly Name: string;
  readonly Service: string;
  readonly State: string;
  readonly Publishers: readonly { readonly URL: string; readonly PublishedPort: number }[] | null;
}

export type Scales = Readonly<Partial<Record<Service, number>>>;

export interface ComposeSystem {
  readonly name: string;
  compose(...arguments_: string[]): Promise<string>;
  /** Starts missing containers, in the given number (by default one), and waits until all are healthy. */
  up(scales?: Scales): Promise<void>;
  /** Returns the running containers of a service. */
  containersOf(service: string): Promise<Container[]>;
  /** Returns the present URLs of the gateways. */
  gateways(): Promise<string[]>;
  /** Returns the token of an administrator, which is good for an hour. Needs a running identity once. */
  token(): Promise<string>;
  /** Returns a client with that token. */
  client(): Promise<DaybookClient>;
  /** Runs a module inside of a container, on its Node, and returns its output. */
  evaluate(container: Container, code: string): Promise<string>;
  replace(service: Service): Promise<void>;
  /** Removes the system, and its volumes if requested. */
  down(options?: { volumes: boolean }): Promise<void>;
}

export function composeSystem(name: string, version: string): ComposeSystem {
  const environment = {
    COMPOSE_PROJECT_NAME: name,
    DAYBOOK_VERSION: version,
    DAYBOOK_PORT: '0',
    // Each check is a process, so more of them would take the processor from the services.
    DAYBOOK_HEALTH_INTERVAL: '5s',
    EUREKA_CONSOLE_PORT: '0',
    RABBITMQ_CONSOLE_PORT: '0',
  };
  const options = { environment, folder: COMPOSE_FOLDER, deadlineMillis: UP_DEADLINE_MILLIS };
  const compose = (...arguments_: string[]) => docker(['compose', ...arguments_], options);

  async function containersOf(service: string): Promise<Container[]> {
    return lines(await compose('ps', '--format', 'json', service)).map((line): Container => JSON.parse(line));
  }

  async function gateways(): Promise<string[]> {
    const running = await containersOf('gateway');
    return running.flatMap(({ Publishers }) =>
      (Publishers ?? [])
        .filter(({ PublishedPort }) => PublishedPort > 0)
        .map(({ URL, PublishedPort }) => `http://${URL}:${PublishedPort}`),
    );
  }

  const evaluate = ({ ID }: Container, code: string) => docker(['exec', ID, 'node', '--input-type=module', '-e', code]);

  let token: string | undefined;
  async function signOnce(): Promise<string> {
    if (token !== undefined) return token;
    const [identity] = await containersOf('identity');
    if (!identity) throw new Error('no container of identity runs');
    token = await evaluate(identity, SIGN_TOKEN);
    return token;
  }

  return {
    name,
    compose,
    async up(scales = {}) {
      const counts = SERVICES.flatMap((service) => ['--scale', `${service}=${scales[service] ?? 1}`]);
      await compose('up', '--detach', '--wait', ...counts);
    },
    containersOf,
    gateways,
    token: signOnce,
    async client() {
      const [baseUrl = ''] = await gateways();
      return createClient({ baseUrl, token: await signOnce() });
    },
    evaluate,
    async replace(service) {
      await run('sh', [join(COMPOSE_FOLDER, 'replace.sh'), service], {
        env: { ...process.env, ...environment },
        timeout: UP_DEADLINE_MILLIS,
      });
    },
    async down({ volumes } = { volumes: false }) {
      // Containers without volumes to keep need no graceful stop.
      await compose('--profile', '*', 'down', ...(volumes ? ['--volumes', '--timeout', '1'] : []));
    },
  };
}
