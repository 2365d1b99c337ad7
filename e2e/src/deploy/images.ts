/** Reads the properties and the content of an image. */
import { docker, dockerOutput, lines, ROOT } from './docker.ts';

export const BASE = 'node:26-trixie-slim';
export const JAVA_BASE = 'eclipse-temurin:21-jre';
export const DOCKERFILE = 'deploy/images/Dockerfile';

export interface Image {
  readonly Id: string;
  readonly Size: number;
  readonly RootFS: { readonly Layers: readonly string[] };
  readonly Config: {
    readonly User: string;
    readonly Labels: Readonly<Record<string, string>> | null;
    readonly Healthcheck?: { readonly Test: readonly string[] };
  };
}

export async function inspectImage(name: string): Promise<Image> {
  const [image]: Image[] = JSON.parse(await docker(['image', 'inspect', name]));
  if (!image) throw new Error(`there is no image ${name}`);
  return image;
}

const BUILD_DEADLINE_MILLIS = 15 * 60_000;

const LABELS = ['REVISION=0123abc', 'SOURCE=https://example.org/daybook'].flatMap((one) => ['--build-arg', one]);

const build = (...arguments_: string[]): Promise<string> =>
  dockerOutput(['build', '--progress=plain', ...LABELS, ...arguments_], { deadlineMillis: BUILD_DEADLINE_MILLIS });

export const buildEureka = (tag: string): Promise<string> => build('-t', tag, `${ROOT}/deploy/eureka`);

/** Builds a target. Returns which of its own steps were not cached: `patient 3/3`. */
export async function buildTarget(target: string, tag: string, context = ROOT): Promise<string[]> {
  const output = await build('-f', `${context}/${DOCKERFILE}`, '--target', target, '-t', tag, context);
  const cached = new Set([...output.matchAll(/^#(\d+) CACHED$/gm)].map(([, step]) => step));
  const steps = [...output.matchAll(/^#(\d+) \[(\S+ \d+\/\d+)\] /gm)].filter(([, , name = '']) =>
    name.startsWith(`${target} `),
  );
  if (steps.length === 0) throw new Error(`no step of ${target} was seen:\n${output}`);
  return [...new Set(steps.filter(([, step]) => !cached.has(step)).map(([, , name = '']) => name))];
}

export interface Content {
  readonly uid: number;
  readonly atTop: readonly string[];
  readonly services: readonly string[];
  readonly packages: readonly string[];
  /** `NAME@VERSION` of everything in a node_modules folder. */
  readonly installed: readonly string[];
  /** `NAME@VERSION` of the bill of materials. */
  readonly billed: readonly string[];
  /** Our files that the running service does not need. */
  readonly superfluous: readonly string[];
  readonly writable: readonly string[];
}

/** Runs inside of the image, on its own Node. */
const INSPECT_SCRIPT = `
const fs = require('node:fs');
const list = (folder) => fs.existsSync(folder) ? fs.readdirSync(folder).sort() : [];
const read = (file) => JSON.parse(fs.readFileSync(file, 'utf8'));
const all = fs.readdirSync('.', { recursive: true, withFileTypes: true });
const paths = all.map((one) => one.parentPath + '/' + one.name);
const manifests = paths.filter((path) => /(^|\\/)node_modules\\/(@[^/]+\\/)?[^/@]+\\/package.json$/.test(path));
const ours = paths.filter((path) => !path.includes('node_modules/'));
const nameOf = ({ purl }) => decodeURIComponent(purl.replace('pkg:npm/', ''));
console.log(JSON.stringify({
  uid: process.getuid(),
  atTop: list('.'), services: list('services'), packages: list('packages'),
  installed: manifests.map(read).map(({ name, version }) => name + '@' + version),
  billed: read('sbom.cdx.json').components.map(nameOf),
  superfluous: ours.filter((path) => /\\.test\\.ts$|\\/testing[^/]*\\.ts$|package-lock|Dockerfile|(?<!^\\.\\/health)\\.sh$/.test(path)),
  writable: paths.filter((path) => { try { fs.accessSync(path, fs.constants.W_OK); return true; } catch { return false; } }),
}));`;

export async function inspectContent(image: string): Promise<Content> {
  const printed = await docker([
    'run',
    '--rm',
    '--network',
    'none',
    '--entrypoint',
    'node',
    image,
    '-e',
    INSPECT_SCRIPT,
  ]);
  return JSON.parse(lines(printed).at(-1) ?? '');
}
