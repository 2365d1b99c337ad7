// installed.mjs WORKSPACE FOLDER: describes what npm has installed for a workspace as a project of its own, so that
// `npm sbom --package-lock-only` lists exactly that. Asked for a workspace, it leaves out what the root has for development too.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const [workspace, folder] = process.argv.slice(2);
const read = (file) => JSON.parse(readFileSync(file, 'utf8'));

const { packages } = read('node_modules/.package-lock.json');
for (const entry of Object.values(packages)) {
  for (const kind of ['dev', 'devOptional', 'optional', 'peer', 'devDependencies']) delete entry[kind];
}
const { name, version, license, description, dependencies } = read(`${workspace}/package.json`);
const root = { name, version, license, description, dependencies };
const lock = { name, version, lockfileVersion: 3, requires: true, packages: { '': root, ...packages } };
delete lock.packages[workspace];
delete lock.packages[`node_modules/${name}`];
mkdirSync(folder, { recursive: true });
writeFileSync(`${folder}/package.json`, JSON.stringify(root));
writeFileSync(`${folder}/package-lock.json`, JSON.stringify(lock));
