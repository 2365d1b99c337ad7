import { describe, expect, it } from 'vitest';
import { findViolations, importsOf } from './imports.ts';
import { readSources } from './sources.ts';

it('no module imports what it must not', async () => {
  const sources = await readSources();
  expect(sources.length).toBeGreaterThan(100);
  expect(findViolations(sources)).toEqual([]);
});

describe('the rules notice', () => {
  const notices = (path: string, text: string) => expect(findViolations([{ path, text }])).toHaveLength(1);

  it('a service that imports another by name', () =>
    notices('services/doctor/src/app.ts', "import { start } from '@daybook/patient-service';"));
  it('a service that loads another later', () =>
    notices('services/doctor/src/app.ts', "const { start } = await import('@daybook/patient-service');"));
  it('a service that reaches into the folder of another', () =>
    notices('services/doctor/src/store/doctors.ts', "import { x } from '../../../patient/src/app.ts';"));
  it('a package that imports a service', () =>
    notices('packages/service/src/http/app.ts', "import '@daybook/patient-service';"));
  it('a domain that imports input or output', () =>
    notices('services/doctor/src/domain/x.ts', "import {\n  readFile,\n} from 'node:fs/promises';"));
  it('a domain that imports its store', () =>
    notices('services/doctor/src/domain/x.ts', "export { y } from '../store/y.ts';"));
  it('a domain that imports a type of the database elsewhere than in its ports', () =>
    notices('services/doctor/src/domain/x.ts', "import type { WriteContext } from '@daybook/database';"));
  it('a reader of the environment that is not config.ts', () =>
    notices('services/doctor/src/app.ts', 'const port = process.env.PORT;'));
});

it('the ports of a domain import types of the database', () => {
  const text = "import type { WriteContext } from '@daybook/database';";
  expect(findViolations([{ path: 'services/doctor/src/domain/ports.ts', text }])).toEqual([]);
});

it('reads every form of import', () => {
  const text = `import a from 'a';\nimport type { B } from 'b';\nimport {\n  c,\n} from "c";\nexport * from './d.ts';\nimport 'e';\nawait import('f');`;
  expect(importsOf(text).map(({ specifier }) => specifier)).toEqual(['a', 'b', 'c', './d.ts', 'e', 'f']);
  expect(importsOf(text)[1]?.typesOnly).toBe(true);
});
