import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findingsOfDocker, OLDEST_COMPOSE, type RunCommand } from './docker.ts';
import { isAtLeast } from './versions.ts';

const COMPOSE_FILE = join(import.meta.dirname, '../../../../deploy/compose/compose.yaml');

/** Returns the output of a machine, by command. */
const machine =
  (outputs: Readonly<Record<string, string>>): RunCommand =>
  async (...command) => {
    const line = command.map((word) => (word.endsWith('compose.yaml') ? 'FILE' : word)).join(' ');
    return outputs[line];
  };

const fit = {
  'docker --version': 'Docker version 28.2.2',
  'docker version --format {{.Server.Version}}': '20.10.24+dfsg1',
  'docker buildx version': 'github.com/docker/buildx 0.29.1 1234',
  'docker info --format {{.MemTotal}}': String(8 * 1024 ** 3),
  'docker compose version --short': '2.40.3-3',
  'docker compose --file FILE config --quiet': '',
};

const faultsOf = async (outputs: Readonly<Record<string, string>>): Promise<string[]> =>
  (await findingsOfDocker(machine(outputs))).filter(({ isFault }) => isFault).map(({ text }) => text);

const without = (name: keyof typeof fit) => Object.fromEntries(Object.entries(fit).filter(([one]) => one !== name));

describe('the check of Docker', () => {
  it('finds no fault with a machine that has all of it', async () => {
    expect(await faultsOf(fit)).toEqual([]);
  });

  it('reports that nothing could be checked where there is no Docker, which is not a fault', async () => {
    expect(await findingsOfDocker(machine({}))).toEqual([
      { text: expect.stringContaining('nothing could be checked'), isFault: false },
    ]);
  });

  it('separates an engine that is not running from none', async () => {
    const faults = await faultsOf({ 'docker --version': 'Docker version 28.2.2' });
    expect(faults).toEqual([expect.stringContaining('does not respond')]);
  });

  it('names the Compose that is there and the one that is needed', async () => {
    const [old] = await faultsOf({ ...fit, 'docker compose version --short': 'v2.20.2' });
    expect(old).toBe(
      `Docker Compose v2.20.2 is too old: deploy/compose needs Docker Compose ${OLDEST_COMPOSE} or newer.`,
    );
    const [python] = await faultsOf({
      ...without('docker compose version --short'),
      'docker-compose version --short': '1.29.2',
    });
    expect(python).toContain('docker-compose 1.29.2');
    expect(await faultsOf(without('docker compose version --short'))).toEqual([
      expect.stringContaining('There is no Docker Compose'),
    ]);
  });

  it('finds an engine that is too old or too small, no buildx, and a file that is refused', async () => {
    expect(await faultsOf({ ...fit, 'docker version --format {{.Server.Version}}': '19.03.9' })).toHaveLength(1);
    expect(await faultsOf({ ...fit, 'docker info --format {{.MemTotal}}': String(1024 ** 3) })).toHaveLength(1);
    expect(await faultsOf(without('docker buildx version'))).toHaveLength(1);
    expect(await faultsOf(without('docker compose --file FILE config --quiet'))).toHaveLength(1);
  });

  it('names the containers that are not well', async () => {
    const listed = 'daybook-patient-1 Up 3 minutes (healthy)\ndaybook-mysql-1 Up 3 minutes (unhealthy)';
    const faults = await faultsOf({ ...fit, 'docker compose --file FILE ps --format {{.Name}} {{.Status}}': listed });
    expect(faults).toEqual([expect.stringContaining('daybook-mysql-1')]);
  });
});

it('knows which version is the newer', () => {
  expect(isAtLeast('2.23.1', '2.23.1')).toBe(true);
  expect(isAtLeast('v2.40.3-3', '2.23.1')).toBe(true);
  expect(isAtLeast('5.0.0', '2.23.1')).toBe(true);
  expect(isAtLeast('2.23.0', '2.23.1')).toBe(false);
  expect(isAtLeast('1.29.2', '2.23.1')).toBe(false);
});

it('requires the Compose that the file requires in a name that an older one rejects', async () => {
  const text = await readFile(COMPOSE_FILE, 'utf8');
  expect(text).toContain(`this-file-needs-docker-compose-${OLDEST_COMPOSE}-or-newer:`);
});
