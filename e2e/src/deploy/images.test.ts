/** Checks that images are small, have only what they need, and are rebuilt only after changes. */
import { randomUUID } from 'node:crypto';
import { appendFile, cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { docker, dockerIsMissing, lines, ROOT, SERVICES } from './docker.ts';
import { BASE, buildEureka, buildTarget, type Content, inspectContent, inspectImage, JAVA_BASE } from './images.ts';

const MOST_OVER_BASE = 60_000_000;
const TARGETS = [...SERVICES, 'registry', 'all-in-one'] as const;
const tagOf = (target: string) => `daybook/${target}:tested`;
const EUREKA = tagOf('eureka');

const buildAll = () =>
  Promise.all([...TARGETS.map((target) => buildTarget(target, tagOf(target))), buildEureka(EUREKA)]);

async function bytesOver(base: string, tag: string): Promise<number> {
  const [image, below] = await Promise.all([inspectImage(tag), inspectImage(base)]);
  expect(image.RootFS.Layers.slice(0, below.RootFS.Layers.length)).toEqual(below.RootFS.Layers);
  return image.Size - below.Size;
}

async function expectToSayWhatItIs(tag: string, probe: string): Promise<void> {
  const { Config } = await inspectImage(tag);
  expect(Config.User).toMatch(/^\d+:\d+$/);
  expect(Config.Labels).toMatchObject({
    'org.opencontainers.image.title': expect.stringContaining('Daybook'),
    'org.opencontainers.image.version': '0.1.0',
    'org.opencontainers.image.revision': '0123abc',
    'org.opencontainers.image.source': 'https://example.org/daybook',
    'org.opencontainers.image.licenses': 'Apache-2.0',
  });
  expect(Config.Healthcheck?.Test.join(' ')).toContain(probe);
}

describe.skipIf(dockerIsMissing('the images'))('the image', () => {
  beforeAll(buildAll);
  afterAll(() => docker(['image', 'rm', ...TARGETS.map(tagOf), EUREKA]));

  describe.each(TARGETS)('of %s', (target) => {
    let content: Content;
    beforeAll(async () => {
      content = await inspectContent(tagOf(target));
    });

    it('is at most 60 MB over its base', async () => {
      expect(await bytesOver(BASE, tagOf(target))).toBeLessThanOrEqual(MOST_OVER_BASE);
    });

    it('holds its own files, the packages, and no other service', () => {
      const isAll = target === 'all-in-one';
      expect(content.services).toEqual(isAll ? [...SERVICES, 'registry'].toSorted() : [target]);
      expect(content.packages).toEqual(
        expect.arrayContaining(['contracts', 'database', 'discovery', 'messaging', 'service']),
      );
      expect(content.packages).not.toContain('testing');
      expect(content.superfluous).toEqual([]);
    });

    it('holds production dependencies only, and no second Node', () => {
      expect(content.installed.length).toBeGreaterThan(50);
      const forDevelopment = /^(vitest|typescript|@biomejs\/|fast-check|node-(bin-)?(linux|darwin|win)-)/;
      expect(content.installed.filter((name) => forDevelopment.test(name))).toEqual([]);
    });

    it('has a bill of materials that names everything in it', () => {
      const ours = (name: string) => name.startsWith('@daybook/');
      const sorted = (names: readonly string[]) => [...new Set(names)].filter((name) => !ours(name)).toSorted();
      expect(sorted(content.billed)).toEqual(sorted(content.installed));
    });

    it('runs as a user who can change nothing in it', () => {
      expect(content.uid).toBe(1000);
      expect(content.writable).toEqual([]);
    });

    it('has labels and a health check', () => expectToSayWhatItIs(tagOf(target), 'health.sh live'));
  });

  describe('of eureka', () => {
    it('is at most 60 MB over its base', async () => {
      expect(await bytesOver(JAVA_BASE, EUREKA)).toBeLessThanOrEqual(MOST_OVER_BASE);
    });

    it('has a bill of materials that names every library in it', async () => {
      const inside = (...command: string[]) =>
        docker(['run', '--rm', '--network', 'none', '--entrypoint', '', EUREKA, ...command]);
      const bill: { components: { name: string; version: string }[] } = JSON.parse(
        await inside('cat', 'sbom.cdx.json'),
      );
      const libraries = lines(await inside('ls', 'lib'));
      expect(libraries.length).toBeGreaterThan(100);
      expect(bill.components.map(({ name, version }) => `${name}-${version}.jar`)).toEqual(
        expect.arrayContaining(libraries),
      );
    });

    it('has labels and a health check', () => expectToSayWhatItIs(EUREKA, '/health/liveness'));
  });

  it('is not built again where nothing changed', async () => {
    const ids = async () => (await Promise.all([...TARGETS.map(tagOf), EUREKA].map(inspectImage))).map(({ Id }) => Id);
    const before = await ids();
    await buildAll();
    expect(await ids()).toEqual(before);
  });

  it('has one new layer, the last, where only its service changed, and none where only another did', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'daybook-context-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const excluded = /^(\.git|data|node_modules|[^/]+\/[^/]+\/node_modules|.*\/target)$/;
    await cp(ROOT, folder, { recursive: true, filter: (source) => !excluded.test(relative(ROOT, source)) });
    // A change that no earlier build on this machine has cached.
    await appendFile(join(folder, 'services/patient/src/app.ts'), `\n// ${randomUUID()}\n`);
    const changed = ['daybook/patient:changed', 'daybook/doctor:changed'] as const;
    onTestFinished(async () => {
      await docker(['image', 'rm', '--force', ...changed]);
    });
    expect(await buildTarget('patient', changed[0], folder)).toEqual(['patient 3/3']);
    expect(await buildTarget('doctor', changed[1], folder)).toEqual([]);
  });

  it('of everything in one process runs on a read-only root, ends on SIGTERM, and keeps its data', async () => {
    const name = `daybook-tested-${process.pid}`;
    const start = () =>
      docker([
        'run',
        '-d',
        '--name',
        name,
        '--read-only',
        '--cap-drop',
        'ALL',
        '-v',
        `${name}:/data`,
        tagOf('all-in-one'),
      ]);
    const get = (path: string, options = {}) =>
      docker([
        'exec',
        name,
        'node',
        '-e',
        `fetch('http://127.0.0.1:8080${path}', ${JSON.stringify(options)}).then((a) => a.text()).then(console.log)`,
      ]);
    const authorization = async () => {
      const token = await docker(['exec', name, 'node', 'launcher/src/access/token-main.ts', 'administrator']);
      return { authorization: `Bearer ${token}` };
    };
    onTestFinished(async () => {
      await docker(['rm', '-f', name]);
      await docker(['volume', 'rm', '-f', name]);
    });
    const isUp = () => get('/health/ready').catch(async (error: unknown) => `${error} ${await docker(['logs', name])}`);
    await start();
    await expect.poll(isUp, { timeout: 120_000 }).toContain('"UP"');
    // Other machines may reach the container, so it has no demo clinic.
    const doctor = { givenName: 'Noor', familyName: 'Haddad', specialties: ['general-practice'], timeZone: 'UTC' };
    await get('/api/v1/doctors', {
      method: 'POST',
      headers: { ...(await authorization()), 'content-type': 'application/json' },
      body: JSON.stringify(doctor),
    });
    const doctors = await get('/api/v1/doctors', { headers: await authorization() });
    expect(JSON.parse(doctors).items).toHaveLength(1);
    const link = await docker(['exec', name, 'cat', '/data/first-administrator-link.txt']);
    expect(link).toContain('/identity/link?token=');
    await docker(['stop', '--time', '60', name]);
    expect(await docker(['inspect', '-f', '{{.State.ExitCode}}', name])).toBe('0');
    await docker(['rm', name]);
    await start();
    await expect.poll(isUp, { timeout: 120_000 }).toContain('"UP"');
    expect(await get('/api/v1/doctors', { headers: await authorization() })).toBe(doctors);
  });
});
