/** Checks the rules about imports between folders, as a pure function of the sources. */
import { dirname, join, normalize } from 'node:path/posix';

export interface Source {
  /** From the root of the project: `services/patient/src/app.ts`. */
  readonly path: string;
  readonly text: string;
}

interface Import {
  readonly specifier: string;
  readonly typesOnly: boolean;
}

const STATEMENT = /(?:^|\n)\s*(import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?['"]([^'"]+)['"]/g;
const DYNAMIC = /\bimport\(\s*['"]([^'"]+)['"]/g;

export function importsOf(text: string): Import[] {
  const named = [...text.matchAll(STATEMENT)].map(([, , type, specifier = '']) => ({
    specifier,
    typesOnly: type !== undefined,
  }));
  const dynamic = [...text.matchAll(DYNAMIC)].map(([, specifier = '']) => ({ specifier, typesOnly: false }));
  return [...named, ...dynamic];
}

/** Returns the workspace of a path: a folder of services, packages or tools, or e2e. */
const workspaceOf = (path: string): string => (path.startsWith('e2e/') ? 'e2e' : path.split('/').slice(0, 2).join('/'));
const isTest = (path: string): boolean => path.endsWith('.test.ts') || path.endsWith('/testing.ts');

/**
 * Returns whether a domain folder may import this at run time: contracts, async, typebox, and itself.
 * Of others it may import types, and those of the database in ports.ts only.
 */
const allowedInDomain = (path: string, specifier: string): boolean =>
  ['@daybook/async', '@daybook/contracts', 'typebox'].includes(specifier) ||
  (specifier.startsWith('.') && normalize(join(dirname(path), specifier)).includes('/src/domain/'));

function faultsOf({ path, text }: Source): string[] {
  const faults: string[] = [];
  const workspace = workspaceOf(path);
  for (const { specifier, typesOnly } of importsOf(text)) {
    if (workspace.startsWith('services/') && /^@daybook\/.*-service/.test(specifier)) {
      faults.push(`${path}: a service imports another (${specifier})`);
    }
    if (specifier.startsWith('.') && workspaceOf(normalize(join(dirname(path), specifier))) !== workspace) {
      faults.push(`${path}: an import reaches into another workspace (${specifier})`);
    }
    // It starts whole systems, for tests only.
    const isForTests = workspace === 'packages/testing';
    if (workspace.startsWith('packages/') && !isForTests && /^@daybook\/(.*-service|launcher)/.test(specifier)) {
      faults.push(`${path}: a package imports what depends on it (${specifier})`);
    }
    const isOfDomain = path.includes('/src/domain/') && !isTest(path);
    if (isOfDomain && typesOnly && specifier === '@daybook/database' && !path.endsWith('/src/domain/ports.ts')) {
      faults.push(`${path}: domain imports a type of the database elsewhere than in ports.ts`);
    }
    if (isOfDomain && !typesOnly && !allowedInDomain(path, specifier)) {
      faults.push(`${path}: domain imports more than contracts, async, typebox and itself (${specifier})`);
    }
  }
  const readsEnvironment = /\bprocess\s*\.\s*env\b/.test(text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, ''));
  const isTool = /^(e2e|bench|examples|packages\/testing)\//.test(path);
  if (readsEnvironment && !path.endsWith('/config.ts') && !isTest(path) && !isTool) {
    faults.push(`${path}: only config.ts reads the environment`);
  }
  return faults;
}

/** Returns every violation as text. */
export const findViolations = (sources: readonly Source[]): string[] => sources.flatMap(faultsOf);
