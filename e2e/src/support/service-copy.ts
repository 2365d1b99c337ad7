/** Copies the content of one service's image: its own files and the packages, without other services. */
import { cp, mkdir, readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../../..');
const isOwnFile = (source: string): boolean => !source.split('/').includes('node_modules');

/** Returns the service's `main.ts` in the copy. */
export async function copyService(service: string, into: string): Promise<string> {
  const folder = join(into, service);
  for (const part of [`services/${service}`, 'packages']) {
    await cp(join(root, part), join(folder, part), {
      recursive: true,
      filter: (source) => isOwnFile(source.slice(root.length)),
    });
  }
  const modules = join(folder, 'node_modules');
  await mkdir(join(modules, '@daybook'), { recursive: true });
  for (const name of await readdir(join(root, 'node_modules'))) {
    if (name !== '@daybook' && !name.startsWith('.'))
      await symlink(join(root, 'node_modules', name), join(modules, name));
  }
  for (const name of await readdir(join(folder, 'packages'))) {
    await symlink(join('../../packages', name), join(modules, '@daybook', name));
  }
  return join(folder, 'services', service, 'src/main.ts');
}
